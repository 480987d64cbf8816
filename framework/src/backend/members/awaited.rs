use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::log::Position;

/// The records that writers wait for, and which lease holders have not acknowledged them. Pure: time is
/// an argument.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    tickets: u64,
    records: BTreeMap<u64, Record>,
}

/// Names one writer's wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
struct Record {
    position: Position,
    visible: Moment,
    /// The incarnations of those that have not acknowledged it.
    silent: Vec<u64>,
    acknowledged: usize,
    /// When a majority of the lease holders other than any silent one had acknowledged it.
    majority: Option<Moment>,
}

impl Awaited {
    /// A writer waits for the record, visible since `visible`; lease holders by incarnation, with the
    /// position that each has acknowledged.
    pub(super) fn begin(
        &mut self,
        position: Position,
        visible: Moment,
        holders: impl Iterator<Item = (u64, Position)>,
    ) -> Ticket {
        let mut record =
            Record { position, visible, silent: Vec::new(), acknowledged: 0, majority: None };
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

    /// The lease holder has acknowledged everything up to `position`.
    pub(super) fn acknowledge(&mut self, incarnation: u64, position: Position, now: Moment) {
        for record in self.records.values_mut().filter(|record| record.position <= position) {
            if let Some(index) = record.silent.iter().position(|silent| *silent == incarnation) {
                record.silent.swap_remove(index);
                record.acknowledged += 1;
                record.count(now);
            }
        }
    }

    /// The incarnations of those that have not acknowledged the record.
    pub(super) fn silent(&self, ticket: Ticket) -> Vec<u64> {
        self.records.get(&ticket.0).map_or_else(Vec::new, |record| record.silent.clone())
    }

    /// The writer waits no longer.
    pub(super) fn end(&mut self, ticket: Ticket) {
        self.records.remove(&ticket.0);
    }

    /// Since when the lease holder is silent about a record that a majority of the others has
    /// acknowledged within `patience`.
    pub(super) fn silent_since(&self, incarnation: u64, patience: Duration) -> Option<Moment> {
        let records = self.records.values();
        let silent = records.filter(|record| record.silent.contains(&incarnation));
        let prompt = silent.filter_map(|record| {
            record.majority.filter(|majority| majority.since(record.visible) <= patience)
        });
        prompt.min()
    }
}

impl Record {
    /// Notes whether there is a majority now.
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

    const PATIENCE: Duration = Duration::from_millis(250);

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn begin(awaited: &mut Awaited, holders: u64) -> Ticket {
        awaited.begin(Position(5), at(1000), (1..=holders).map(|holder| (holder, Position(4))))
    }

    #[test]
    fn a_lease_holder_is_silent_once_most_of_the_others_have_acknowledged() {
        let mut awaited = Awaited::default();
        let ticket = begin(&mut awaited, 4);
        awaited.acknowledge(1, Position(5), at(1010));
        assert_eq!(awaited.silent_since(4, PATIENCE), None, "one of three is no majority");
        awaited.acknowledge(2, Position(6), at(1020));
        assert_eq!(awaited.silent_since(4, PATIENCE), Some(at(1020)));
        assert_eq!(awaited.silent_since(1, PATIENCE), None);
        awaited.acknowledge(4, Position(5), at(1900));
        assert_eq!(awaited.silent_since(4, PATIENCE), None);
        assert_eq!(awaited.silent(ticket), [3]);
        awaited.end(ticket);
        assert_eq!(awaited.silent_since(3, PATIENCE), None);
    }

    #[test]
    fn a_record_that_most_acknowledge_late_says_nothing_of_the_others() {
        let mut awaited = Awaited::default();
        begin(&mut awaited, 3);
        awaited.acknowledge(1, Position(5), at(1100));
        awaited.acknowledge(2, Position(5), at(1251));
        assert_eq!(awaited.silent_since(3, PATIENCE), None);
    }

    #[test]
    fn the_only_lease_holder_is_never_silent() {
        let mut awaited = Awaited::default();
        begin(&mut awaited, 1);
        assert_eq!(awaited.silent_since(1, PATIENCE), None);
        begin(&mut awaited, 2);
        assert_eq!(awaited.silent_since(1, PATIENCE), None);
        awaited.acknowledge(2, Position(5), at(1001));
        assert_eq!(awaited.silent_since(1, PATIENCE), Some(at(1001)));
    }

    #[test]
    fn what_was_acknowledged_before_the_writer_waits_counts() {
        let mut awaited = Awaited::default();
        let holders = [(1, Position(5)), (2, Position(7)), (3, Position(4))];
        awaited.begin(Position(5), at(1000), holders.into_iter());
        assert_eq!(awaited.silent_since(3, PATIENCE), Some(at(1000)));
    }
}
