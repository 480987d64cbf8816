use std::collections::BTreeMap;
use std::time::Duration;

use super::{Invalidation, Membership, Position, Record};

/// What the records up to some position leave open: it is of interest to a back end that starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outstanding {
    members: BTreeMap<u64, Member>,
    unsettled: BTreeMap<Position, Invalidation>,
}

/// A front end that has joined and not left: it may hold a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The process.
    pub incarnation: u64,
    /// The front end's name.
    pub name: String,
    /// The longest lease it may hold.
    pub lease: Duration,
}

impl Outstanding {
    /// What is open before the first record: nothing.
    pub fn new() -> Outstanding {
        Outstanding::default()
    }

    /// Takes in the next record.
    pub fn observe(&mut self, record: &Record) {
        let content = &record.content;
        match &content.membership {
            Some(Membership::Joined { incarnation, name, lease }) => {
                let (incarnation, lease) = (*incarnation, *lease);
                let member = Member { incarnation, name: name.clone(), lease };
                self.members.insert(incarnation, member);
            }
            Some(Membership::Left { incarnation }) => {
                self.members.remove(incarnation);
            }
            None => {}
        }
        if let Some(settled) = content.settles {
            self.unsettled.remove(&settled);
        }
        if !content.deferred.is_empty() {
            self.unsettled.insert(record.position, content.deferred.clone());
        }
    }

    /// The front ends that have joined and not left, in the order of their incarnations.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// The deferred invalidations that no record has settled, with the positions of their records.
    pub fn unsettled(&self) -> impl Iterator<Item = (Position, &Invalidation)> {
        self.unsettled.iter().map(|(position, invalidation)| (*position, invalidation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Draft;

    fn observe(drafts: Vec<Draft>) -> Outstanding {
        let mut outstanding = Outstanding::new();
        for (content, position) in drafts.into_iter().zip(1..) {
            outstanding.observe(&Record { position: Position(position), time: 0, content });
        }
        outstanding
    }

    fn joined(incarnation: u64) -> Draft {
        let (name, lease) = (format!("f{incarnation}"), Duration::from_secs(2));
        let membership = Some(Membership::Joined { incarnation, name, lease });
        Draft { membership, ..Draft::default() }
    }

    #[test]
    fn who_has_joined_and_not_left_is_a_member() {
        let left = Membership::Left { incarnation: 1 };
        let left = Draft { membership: Some(left), ..Draft::default() };
        let outstanding = observe(vec![joined(1), joined(2), left]);
        let names: Vec<&str> = outstanding.members().map(|member| &*member.name).collect();
        assert_eq!(names, ["f2"]);
    }

    #[test]
    fn a_deferred_invalidation_is_open_until_a_record_settles_it() {
        let deferred =
            |group| Draft { deferred: Invalidation::new().group(group), ..Draft::default() };
        let settles = Draft { settles: Some(Position(1)), ..Draft::default() };
        let outstanding = observe(vec![deferred("a"), deferred("b"), settles]);
        let open: Vec<_> = outstanding.unsettled().collect();
        assert_eq!(open, [(Position(2), &Invalidation::new().group("b"))]);
    }
}
