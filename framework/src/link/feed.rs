use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::log::{Epoch, LogEpoch, Position};

/// What a front end says in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Up {
    /// The first message, once.
    Open(Open),
    /// Asks for a lease from this point of the front end's own clock, in nanoseconds, and says how
    /// long after its stamp the last answer in this feed came, if one came since the last renewal.
    Renew { stamp: u64, answer_took: Option<Duration> },
    /// Everything up to here has been applied.
    Ack { position: Position },
    /// Which contents of files are here and which are not.
    Holdings(Holdings),
    /// The front end holds no lease any more and wants none.
    Leave,
}

/// What a back end says in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Down {
    /// The first message when the front end is admitted.
    Welcome(Welcome),
    /// The next piece of the snapshot; they follow the welcome that announces them.
    Snapshot { piece: SnapshotPiece },
    /// The only message when it is not.
    Refused { message: String },
    /// The next run of the log, up to and including `through`. Positions that are not among the
    /// records have nothing to say to a front end.
    Records { records: Vec<FeedRecord>, through: Position },
    /// Answers the renewal with this stamp, behind the records.
    Renewed { stamp: u64 },
    /// The same, but there is no lease: the front end has kept writers waiting.
    Withheld { stamp: u64 },
    /// The last message: the back end stops, or answers a `Leave`.
    Goodbye,
}

/// How a front end introduces itself to a back end whose feed it wants to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The front end's name.
    pub name: String,
    /// The process: a front end that is started again has another incarnation.
    pub incarnation: u64,
    /// What it has followed so far.
    pub followed: Option<Followed>,
    /// The incarnation before this one, if that has ended for certain.
    pub predecessor: Option<u64>,
}

/// How far a front end has followed a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Followed {
    /// The log, and the opening whose feed it was.
    pub log: LogEpoch,
    /// How the back end derived what the records invalidated.
    pub fingerprint: u64,
    /// The last position that was applied.
    pub applied: Position,
    /// The greatest position that anything in the cache is from: an answer may be ahead of the feed.
    pub seen: Position,
}

/// What a front end learns when it is admitted to a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Welcome {
    /// The back end's log, and its opening.
    pub log: LogEpoch,
    /// How the back end derives what records invalidate: of its data's fields, keys and indexes. What was
    /// cached under another derivation is under names of groups that no record will invalidate.
    pub fingerprint: u64,
    /// How long a lease lasts from the stamp of its renewal.
    pub lease: Duration,
    /// The back end's name.
    pub backend: String,
    /// The feed begins with the record after this one.
    pub start: Position,
    /// Whether the feed goes on where the front end was. Otherwise the front end must drop its
    /// cache and any lease it holds; its position becomes `start`.
    pub resumed: bool,
    /// How many pieces of a snapshot follow: what a front end that does not resume has to know of the
    /// log up to `start`.
    pub snapshot: u32,
    /// The log's openings, each with the log's last position when it began.
    pub openings: Vec<(Epoch, Position)>,
}

/// A piece, of bounded length, of what a front end has to know of the log up to a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SnapshotPiece {
    /// Which files the log has put into the docroot.
    Files(Bytes),
    /// Which sessions have ended.
    Revocations(Bytes),
}

/// One record as front ends get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeedRecord {
    /// Where it stands in the log.
    pub position: Position,
    /// What it says to front ends.
    pub payload: Bytes,
}

/// Of which records a front end lacks something that they put into the docroot.
///
/// What a record says is applied at once, and acknowledged; the contents of its files come later. A
/// front end reports what it lacks of a record before it acknowledges the record. So of an
/// acknowledged record that is not named, everything is here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holdings {
    /// Nothing is said about the records up to this one.
    pub after: Position,
    /// The later records of which something is not here yet, in descending order.
    pub lacking: Vec<Position>,
    /// Those of them of which something cannot be stored, and why.
    pub failing: Vec<(Position, String)>,
}

/// What a front end holds of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding<'a> {
    /// All of it, as far as later records have not made it obsolete.
    Held,
    /// Not all of it, or it is not known.
    Lacking,
    /// It cannot store it, and this is why.
    Failing(&'a str),
}

impl Holdings {
    /// The most records that are named in one report.
    pub(crate) const NAMED: usize = 256;
    /// The most records whose failures one report lists.
    pub(crate) const FAILURES: usize = 16;

    /// What is held of the record at `position`, which was acknowledged.
    pub(crate) fn of(&self, position: Position) -> Holding<'_> {
        let failing = self.failing.iter().find(|(failing, _)| *failing == position);
        if let Some((_, reason)) = failing {
            return Holding::Failing(reason);
        }
        match self.after < position && !self.lacking.contains(&position) {
            true => Holding::Held,
            false => Holding::Lacking,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_held_when_it_is_not_among_the_lacking() {
        let holdings = Holdings {
            after: Position(3),
            lacking: vec![Position(8), Position(5)],
            failing: vec![(Position(5), "the disk is full".to_owned())],
        };
        let of = |position| holdings.of(Position(position));
        assert_eq!([of(3), of(8)], [Holding::Lacking; 2]);
        assert_eq!([of(4), of(6), of(9)], [Holding::Held; 3]);
        assert_eq!(of(5), Holding::Failing("the disk is full"));
    }
}
