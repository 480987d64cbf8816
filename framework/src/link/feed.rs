use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::log::{Epoch, LogEpoch, Position};

/// A message of a front end in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Up {
    /// The first message, once.
    Open(Open),
    /// Asks for a lease from this point of the front end's own clock, in nanoseconds. `answer_took`
    /// is the time from its stamp to the last answer in this feed, if there was one since the last
    /// renewal.
    Renew { stamp: u64, answer_took: Option<Duration> },
    /// Everything up to here has been applied.
    Ack { position: Position },
    /// Which contents of files the front end has, and which it lacks.
    Holdings(Holdings),
    /// The front end no longer holds a lease, and asks for none.
    Leave,
}

/// A message of a back end in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Down {
    /// The first message to a front end that is admitted.
    Welcome(Welcome),
    /// The next piece of the snapshot; the pieces follow the welcome that announces them.
    Snapshot { piece: SnapshotPiece },
    /// The only message to a front end that is not admitted.
    Refused { message: String },
    /// The next run of the log, up to and including `through`. Positions that are not among the
    /// records do not concern front ends.
    Records { records: Vec<FeedRecord>, through: Position },
    /// Answers the renewal with this stamp, after the records.
    Renewed { stamp: u64 },
    /// Answers the renewal with this stamp without a lease: the front end has made writers wait.
    Withheld { stamp: u64 },
    /// The last message: the back end stops, or confirms a `Leave`.
    Goodbye,
}

/// How a front end introduces itself to a back end whose feed it wants to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The front end's name.
    pub name: String,
    /// The process: a front end that is started again has another incarnation.
    pub incarnation: u64,
    /// The log that it has followed so far.
    pub followed: Option<Followed>,
    /// The incarnation before this one, if that has ended for certain.
    pub predecessor: Option<u64>,
}

/// How far a front end has followed a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Followed {
    /// The log, and the opening whose feed it was.
    pub log: LogEpoch,
    /// The fingerprint of the rules by which the back end derived invalidations from records.
    pub fingerprint: u64,
    /// The last position that was applied.
    pub applied: Position,
    /// The greatest position that anything in the cache is from: an answer may be ahead of the
    /// feed.
    pub seen: Position,
}

/// The admission of a front end to a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Welcome {
    /// The back end's log, and its opening.
    pub log: LogEpoch,
    /// The fingerprint of the rules by which the back end derives invalidations from records: the
    /// fields, keys and indexes of its data. Content that was cached under other rules has names of
    /// groups that no record will invalidate.
    pub fingerprint: u64,
    /// How long a lease lasts from the stamp of its renewal.
    pub lease: Duration,
    /// The back end's name.
    pub backend: String,
    /// The feed begins with the record after this one.
    pub start: Position,
    /// Whether the feed continues at the front end's position. Otherwise the front end must drop
    /// its cache and any lease it holds; its position becomes `start`.
    pub resumed: bool,
    /// The number of pieces of the snapshot that follow: the state of the log up to `start`, for a
    /// front end that does not resume.
    pub snapshot: u32,
    /// The log's openings, each with the log's last position when it began.
    pub openings: Vec<(Epoch, Position)>,
}

/// A piece of the snapshot, of bounded length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SnapshotPiece {
    /// The files that the log has put into the docroot.
    Files(Bytes),
    /// The sessions that have ended.
    Revocations(Bytes),
}

/// One record as it is sent to front ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeedRecord {
    /// Its position in the log.
    pub position: Position,
    /// Its content for front ends.
    pub payload: Bytes,
}

/// The records of which a front end lacks files that they put into the docroot.
///
/// A record is applied at once, and acknowledged; the contents of its files arrive later. A front
/// end reports which contents of a record it lacks before it acknowledges the record. So an
/// acknowledged record that is not listed is complete here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holdings {
    /// The records up to this one are not reported on.
    pub after: Position,
    /// The later records of which some content is missing, in descending order.
    pub lacking: Vec<Position>,
    /// Those of them with a content that cannot be stored, and the reason.
    pub failing: Vec<(Position, String)>,
}

/// The state of one record's files on a front end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding<'a> {
    /// All contents, except those that later records have made obsolete.
    Held,
    /// Not all contents, or the state is not reported.
    Lacking,
    /// A content cannot be stored, for this reason.
    Failing(&'a str),
}

impl Holdings {
    /// The most records that one report lists.
    pub(crate) const NAMED: usize = 256;
    /// The most records whose failures one report lists.
    pub(crate) const FAILURES: usize = 16;

    /// Returns the state of the record at `position`, which was acknowledged.
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
