use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::log::Position;

/// The records that writers wait for, and the lease holders that have not acknowledged them. Pure:
/// time is an argument.
///
/// # One call waits one lease at most for a front end
///
/// A call may write several records, and waits for each before it continues. A front end that
/// stops, runs for a moment and stops again could make it wait for a lease each time. So a lease
/// holder that is late with a record of a call gets no new lease until the call has ended, for one
/// lease at most: neither while the record is awaited, nor after the front end has acknowledged it
/// or its lease has run out. After that, the call waits only for the lease that the front end had
/// before it was late, which was over a lease and a quarter after the first record at the latest.
/// This holds for each front end: two that take turns to be silent can cost a call two leases.
///
/// Late means silent after a prompt majority of the others. So this never withholds leases from a
/// majority.
#[derive(Debug)]
pub(super) struct Awaited {
    /// The longest wait that does not count as silence.
    patience: Duration,
    lease: Duration,
    tickets: u64,
    records: BTreeMap<u64, Record>,
    late: LateHolders,
    calls: u64,
}

/// Identifies a call that may write several records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallId(u64);

/// Identifies one writer's wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
struct Record {
    position: Position,
    visible: Moment,
    call: Option<CallId>,
    /// The incarnations of those that have not acknowledged it.
    silent: Vec<u64>,
    acknowledged: usize,
    /// When a majority of the lease holders other than any silent one had acknowledged it.
    majority: Option<Moment>,
}

/// The calls under way that had to wait, each with the incarnation that was late and the end of its
/// effect.
#[derive(Debug, Default)]
struct LateHolders(Vec<(CallId, u64, Moment)>);

impl LateHolders {
    /// Records that the call has waited for these incarnations, which counts for a lease from now.
    fn add(&mut self, call: CallId, incarnations: &[u64], now: Moment, lease: Duration) {
        self.0.retain(|(_, _, until)| *until > now);
        let until = now.after(lease);
        self.0.extend(incarnations.iter().map(|incarnation| (call, *incarnation, until)));
    }
}

impl Awaited {
    /// Creates an empty set of waits; leases are `lease` long, and a wait longer than `patience` is
    /// a silence.
    pub(super) fn new(lease: Duration, patience: Duration) -> Awaited {
        Awaited {
            patience,
            lease,
            tickets: 0,
            records: BTreeMap::new(),
            late: LateHolders::default(),
            calls: 0,
        }
    }

    /// Begins a call.
    pub(super) fn begin_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    /// Ends a call: it writes no more.
    pub(super) fn end_call(&mut self, call: CallId) {
        self.late.0.retain(|(late, ..)| *late != call);
    }

    /// Returns whether a call under way has waited for the lease holder.
    pub(super) fn is_late(&self, incarnation: u64, now: Moment) -> bool {
        // A renewal may arrive before the late acknowledgement.
        let is_awaited = |record: &Record| {
            record.silent.contains(&incarnation) && record.delayed(self.patience, now).is_some()
        };
        self.late.0.iter().any(|(_, late, until)| *late == incarnation && *until > now)
            || self.records.values().any(is_awaited)
    }

    /// Begins a writer's wait for the record, visible since `visible`; `holders` are the lease
    /// holders by incarnation, with the position that each has acknowledged.
    pub(super) fn begin(
        &mut self,
        position: Position,
        visible: Moment,
        call: Option<CallId>,
        holders: impl Iterator<Item = (u64, Position)>,
    ) -> Ticket {
        let mut record =
            Record { position, visible, call, silent: Vec::new(), acknowledged: 0, majority: None };
        for (incarnation, acknowledged) in holders {
            match acknowledged >= position {
                true => record.acknowledged += 1,
                false => record.silent.push(incarnation),
            }
        }
        record.count(visible);
        self.tickets += 1;
        self.records.insert(self.tickets, record);
        Ticket(self.tickets)
    }

    /// Records that the lease holder has acknowledged everything up to `position`.
    pub(super) fn acknowledge(&mut self, incarnation: u64, position: Position, now: Moment) {
        for record in self.records.values_mut().filter(|record| record.position <= position) {
            if let Some(index) = record.silent.iter().position(|silent| *silent == incarnation) {
                record.silent.swap_remove(index);
                if let Some(call) = record.delayed(self.patience, now) {
                    self.late.add(call, &[incarnation], now, self.lease);
                }
                record.acknowledged += 1;
                record.count(now);
            }
        }
    }

    /// Returns the incarnations that have not acknowledged the record.
    pub(super) fn silent(&self, ticket: Ticket) -> Vec<u64> {
        self.records.get(&ticket.0).map_or_else(Vec::new, |record| record.silent.clone())
    }

    /// Records that the lease holder has left or ended. It has acknowledged nothing, and is not
    /// waited for.
    pub(super) fn remove(&mut self, incarnation: u64, now: Moment) {
        for record in self.records.values_mut() {
            record.silent.retain(|silent| *silent != incarnation);
            record.count(now);
        }
    }

    /// Ends a writer's wait. The lease holders that have not acknowledged the record by now are
    /// late.
    pub(super) fn end(&mut self, ticket: Ticket, now: Moment) {
        let Some(record) = self.records.remove(&ticket.0) else { return };
        if let Some(call) = record.delayed(self.patience, now) {
            self.late.add(call, &record.silent, now, self.lease);
        }
    }

    /// Returns since when the lease holder is silent about a record that a majority of the others
    /// has acknowledged promptly.
    pub(super) fn silent_since(&self, incarnation: u64) -> Option<Moment> {
        let records = self.records.values();
        let silent = records.filter(|record| record.silent.contains(&incarnation));
        silent.filter_map(|record| record.prompt_majority(self.patience)).min()
    }
}

impl Record {
    /// Returns the moment of the majority, if that was within `patience`.
    fn prompt_majority(&self, patience: Duration) -> Option<Moment> {
        self.majority.filter(|majority| majority.since(self.visible) <= patience)
    }

    /// Returns the call that waits for the record, if a missing acknowledgement at `now` is a
    /// silence.
    fn delayed(&self, patience: Duration, now: Moment) -> Option<CallId> {
        let since = self.prompt_majority(patience)?;
        self.call.filter(|_| now.since(since) > patience)
    }

    /// Records the moment of the majority, once there is one.
    fn count(&mut self, now: Moment) {
        let others = (self.acknowledged + self.silent.len()).saturating_sub(1);
        if self.majority.is_none() && self.acknowledged * 2 > others {
            self.majority = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_millis(2000);
    const PATIENCE: Duration = Duration::from_millis(250);

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn begin(awaited: &mut Awaited, holders: u64) -> Ticket {
        awaited.begin(
            Position(5),
            at(1000),
            None,
            (1..=holders).map(|holder| (holder, Position(4))),
        )
    }

    #[test]
    fn a_lease_holder_is_silent_once_most_of_the_others_have_acknowledged() {
        let mut awaited = Awaited::new(LEASE, PATIENCE);
        let ticket = begin(&mut awaited, 4);
        awaited.acknowledge(1, Position(5), at(1010));
        assert_eq!(awaited.silent_since(4), None, "one of three is no majority");
        awaited.acknowledge(2, Position(6), at(1020));
        assert_eq!(awaited.silent_since(4), Some(at(1020)));
        assert_eq!(awaited.silent_since(1), None);
        awaited.acknowledge(4, Position(5), at(1900));
        assert_eq!(awaited.silent_since(4), None);
        assert_eq!(awaited.silent(ticket), [3]);
        awaited.end(ticket, at(2000));
        assert_eq!(awaited.silent_since(3), None);
    }

    #[test]
    fn a_record_that_most_acknowledge_late_makes_none_silent() {
        let mut awaited = Awaited::new(LEASE, PATIENCE);
        begin(&mut awaited, 3);
        awaited.acknowledge(1, Position(5), at(1100));
        awaited.acknowledge(2, Position(5), at(1251));
        assert_eq!(awaited.silent_since(3), None);
    }

    #[test]
    fn the_only_lease_holder_is_never_silent() {
        let mut awaited = Awaited::new(LEASE, PATIENCE);
        begin(&mut awaited, 1);
        assert_eq!(awaited.silent_since(1), None);
        begin(&mut awaited, 2);
        assert_eq!(awaited.silent_since(1), None);
        awaited.acknowledge(2, Position(5), at(1001));
        assert_eq!(awaited.silent_since(1), Some(at(1001)));
    }

    #[test]
    fn an_acknowledgement_before_the_writer_waits_counts() {
        let mut awaited = Awaited::new(LEASE, PATIENCE);
        let holders = [(1, Position(5)), (2, Position(7)), (3, Position(4))];
        awaited.begin(Position(5), at(1000), None, holders.into_iter());
        assert_eq!(awaited.silent_since(3), Some(at(1000)));
    }

    #[test]
    fn a_lease_holder_that_a_call_has_waited_for_is_late_until_the_call_ends() {
        let mut awaited = Awaited::new(LEASE, PATIENCE);
        let [call, other] = [awaited.begin_call(), awaited.begin_call()];
        let holders = || [(1, Position(4)), (2, Position(4))].into_iter();
        let ticket = awaited.begin(Position(5), at(1000), Some(call), holders());
        awaited.begin(Position(5), at(1000), None, holders());
        awaited.acknowledge(1, Position(5), at(1001));
        awaited.acknowledge(2, Position(5), at(2000));
        awaited.end(ticket, at(2000));
        assert!(awaited.is_late(2, at(2100)) && !awaited.is_late(1, at(2100)));
        assert!(!awaited.is_late(2, at(4000)), "a long call withholds a lease for a limited time");
        awaited.end_call(other);
        assert!(awaited.is_late(2, at(2100)));
        awaited.end_call(call);
        assert!(!awaited.is_late(2, at(2100)));
    }
}
