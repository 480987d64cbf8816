use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Membership, Record};

/// The front ends that have joined and not left, according to the records up to some position. A back end that
/// starts must take their leases into account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Joined {
    members: BTreeMap<u64, JoinedMember>,
}

/// A front end that has joined and not left: it may hold a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JoinedMember {
    /// The process.
    pub incarnation: u64,
    /// The front end's name.
    pub name: String,
    /// The longest lease it may hold.
    pub lease: Duration,
}

impl Joined {
    /// Observes the next record.
    pub(crate) fn observe(&mut self, record: &Record) {
        match &record.content.membership {
            Some(Membership::Joined { incarnation, name, lease }) => {
                let (incarnation, lease) = (*incarnation, *lease);
                let member = JoinedMember { incarnation, name: name.clone(), lease };
                self.members.insert(incarnation, member);
            }
            Some(Membership::Left { incarnation }) => {
                self.members.remove(incarnation);
            }
            None => {}
        }
    }

    /// Returns the front ends that have joined and not left, in the order of their incarnations.
    pub(crate) fn members(&self) -> impl Iterator<Item = &JoinedMember> {
        self.members.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Draft, Position};

    fn observe(drafts: Vec<Draft>) -> Joined {
        let mut joined = Joined::default();
        for (content, position) in drafts.into_iter().zip(1..) {
            joined.observe(&Record { position: Position(position), time: 0, content });
        }
        joined
    }

    fn join(incarnation: u64) -> Draft {
        let (name, lease) = (format!("f{incarnation}"), Duration::from_secs(2));
        let membership = Some(Membership::Joined { incarnation, name, lease });
        Draft { membership, ..Draft::default() }
    }

    #[test]
    fn a_front_end_that_has_joined_and_not_left_is_a_member() {
        let left = Membership::Left { incarnation: 1 };
        let left = Draft { membership: Some(left), ..Draft::default() };
        let joined = observe(vec![join(1), join(2), left]);
        let names: Vec<&str> = joined.members().map(|member| &*member.name).collect();
        assert_eq!(names, ["f2"]);
    }
}
