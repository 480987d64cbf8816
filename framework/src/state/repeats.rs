//! Recognises updates that are written a second time, and returns the outcome of the first one for them.
//!
//! A request may be sent twice: by its client, which has lost the answer and sends the request again with the
//! same `Idempotency-Key`, or by a front end whose link broke. Then the controller runs twice, and each of its
//! updates must be applied once. So an update carries an id ([`UpdateId`]): the id of the request, and the
//! update's number among the request's updates.
//!
//! # The argument
//!
//! **Whether an update repeats another is decided on applying it**, from the records before it in the log. So
//! every node that applies the log decides alike, and so does a replay; two requests that are answered at the
//! same time are ordered by the log. The decision depends on no configuration of a node, because a replay with
//! another configuration would produce other data: the record contains how long its id is kept, time is
//! measured by the times of records, and the maximum numbers of ids are constants.
//!
//! **A repeated update changes nothing** and invalidates nothing. Its writer receives the outcome of the first
//! one, which is kept here in its encoding, and the position of the first one. The writer waits until its own
//! record is acknowledged by every front end: front ends acknowledge records in order, so by then the first one
//! is acknowledged, too.
//!
//! **Only updates that were made are kept.** A refusal or a panic has changed nothing, so the same request may
//! be tried again, and may succeed then.
//!
//! **An outcome is never given to another update.** The controller of a repeated request reads data that its
//! first run has changed, so it may write other updates. If updates were identified by their numbers alone, one
//! that was never applied could receive the outcome of another. So the kind of the update is compared: its
//! state, and its variant where it is an enum, however serde writes that (`kind`). An update of another kind is
//! an error, as it is neither right to apply it nor to leave it out. The contents are not compared: they may
//! contain random values that a controller draws (the salt of a password), or a time.
//!
//! **Updates of one call are numbered as they arrive.** One [`DataMut`](crate::extract::DataMut) writes one
//! update after the other, so its updates have the same numbers each time the controller runs. Two `DataMut`s
//! that are polled at the same time may be numbered in another order by the second run:
//!
//! - If their updates are of two kinds, that is an error.
//! - If they are of one kind, they are mistaken for each other: each returns the other's outcome, and where the
//!   first run ended between the two, one is made twice and the other not at all. This cannot be detected here,
//!   since contents may differ as well.
//!
//! So a controller whose request may be sent twice writes its updates one after the other, or together with
//! `update_many`; the guide requires this.
//!
//! **A key is bound to its request**: to the digest of the request for which the first update of that key was
//! written. With another digest nothing is applied.
//!
//! # What is forgotten
//!
//! An id is kept for the time in its record, ids of front ends for [`FRONT_END_KEPT`]. Of each source at most
//! the last [`MOST_OF_CLIENTS`] or [`MOST_OF_FRONT_ENDS`] are kept. Together with [`LONGEST_OUTCOME`] this
//! bounds the memory. If ids must be forgotten early, the oldest is forgotten first. A client's key that is
//! forgotten is a new key. Front ends get a stronger promise: a request that they send again carries a position
//! of the log from before it was first sent. If ids of later positions were forgotten, the request is refused,
//! because it cannot be determined whether its update was applied.
//!
//! All of this is stored in checkpoints, as a state of the framework's own.

use std::collections::BTreeMap;

use bytes::Bytes;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::encoding;
use crate::log::{IdSource, Position, Record, Unrepeatable, UpdateId};

/// How long ids of front ends are kept, in milliseconds.
const FRONT_END_KEPT: u64 = 5 * 60 * 1000;
/// The number of clients' ids that are kept.
const MOST_OF_CLIENTS: usize = 1 << 18;
/// The number of front ends' ids that are kept.
const MOST_OF_FRONT_ENDS: usize = 1 << 16;
/// The longest outcome that is kept, in bytes.
const LONGEST_OUTCOME: usize = 1024;

/// The updates that were made and may be written a second time.
#[derive(Debug)]
pub(super) struct Repeats {
    of_clients: Ids,
    of_front_ends: Ids,
}

/// The relation of an update to the updates that were made before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// It may be applied.
    New,
    /// It repeats the update at this position, which had this outcome.
    Repeats(Position, Bytes),
    /// It may be neither applied nor left out.
    Rejected(Unrepeatable),
}

/// The ids of one source.
#[derive(Debug)]
struct Ids {
    most: usize,
    /// By the positions of their records. A checkpoint clones it, while the log is appended to.
    made: OrdMap<Position, Made>,
    /// By the request and the number.
    positions: BTreeMap<(u128, u32), Position>,
    /// The position of the last update that was forgotten.
    forgotten: Position,
}

/// An update that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    id: UpdateId,
    kind: u64,
    /// The time until which it is kept, in the time of records.
    until: u64,
    /// `None` if it is too long.
    outcome: Option<Bytes>,
}

/// An item of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Made(Position, Made),
    /// The positions of the last updates that were forgotten.
    Forgotten {
        of_clients: Position,
        of_front_ends: Position,
    },
}

impl Default for Repeats {
    fn default() -> Repeats {
        Repeats {
            of_clients: Ids::new(MOST_OF_CLIENTS),
            of_front_ends: Ids::new(MOST_OF_FRONT_ENDS),
        }
    }
}

impl Repeats {
    /// Recognises an update of this [kind](super::kind::kind_of), in a record of this time, before it is
    /// applied.
    pub(super) fn recognise(&mut self, time: u64, id: &UpdateId, kind: u64) -> Recognised {
        let ids = self.of(&id.source);
        ids.forget_until(time);
        ids.recognise(id, kind)
    }

    /// Keeps an update that was made, with its encoded outcome.
    pub(super) fn keep(
        &mut self,
        record: &Record,
        id: &UpdateId,
        kind: u64,
        outcome: Option<Vec<u8>>,
    ) {
        let kept = match id.source {
            IdSource::Client { kept, .. } => u64::from(kept) * 1000,
            IdSource::FrontEnd { .. } => FRONT_END_KEPT,
        };
        let until = record.time.saturating_add(kept);
        let outcome = outcome.filter(|outcome| outcome.len() <= LONGEST_OUTCOME).map(Bytes::from);
        let made = Made { id: id.clone(), kind, until, outcome };
        self.of(&id.source).insert(record.position, made);
    }

    fn of(&mut self, source: &IdSource) -> &mut Ids {
        match source {
            IdSource::Client { .. } => &mut self.of_clients,
            IdSource::FrontEnd { .. } => &mut self.of_front_ends,
        }
    }

    /// Returns the items that a checkpoint stores.
    pub(super) fn save(&self) -> impl Iterator<Item = Vec<u8>> + Send + use<> {
        let (of_clients, of_front_ends) = (self.of_clients.forgotten, self.of_front_ends.forgotten);
        let forgotten = Item::Forgotten { of_clients, of_front_ends };
        let is_needed = of_clients.max(of_front_ends) > Position::START;
        let made = self.of_clients.made.clone().into_iter();
        let made = made.chain(self.of_front_ends.made.clone());
        let made = made.map(|(position, made)| Item::Made(position, made));
        let items = is_needed.then_some(forgotten).into_iter().chain(made);
        items.map(|item| encoding::encode_kept(&item))
    }

    /// Loads an item that was [saved](Repeats::save).
    pub(super) fn load(&mut self, item: &[u8]) -> Result<(), String> {
        match encoding::decode(item)? {
            Item::Made(position, made) => self.of(&made.id.source).insert(position, made),
            Item::Forgotten { of_clients, of_front_ends } => {
                self.of_clients.forgotten = of_clients;
                self.of_front_ends.forgotten = of_front_ends;
            }
        }
        Ok(())
    }
}

impl Ids {
    fn new(most: usize) -> Ids {
        Ids { most, made: OrdMap::new(), positions: BTreeMap::new(), forgotten: Position::START }
    }

    fn recognise(&self, id: &UpdateId, kind: u64) -> Recognised {
        let mut of_call = self.positions.range((id.call, 0)..=(id.call, u32::MAX));
        let first = of_call.next().and_then(|(_, position)| self.made.get(position));
        if let Some(Made { id: UpdateId { source: IdSource::Client { request, .. }, .. }, .. }) =
            first
            && let IdSource::Client { request: asked, .. } = &id.source
            && !request.agrees(*asked)
        {
            return Recognised::Rejected(Unrepeatable::KeyReused);
        }
        let position = self.positions.get(&(id.call, id.number));
        let made = position.and_then(|position| Some((*position, self.made.get(position)?)));
        match (made, &id.source) {
            (Some((first, made)), _) if made.kind != kind => {
                Recognised::Rejected(Unrepeatable::OtherUpdate { first })
            }
            (Some((first, Made { outcome: Some(outcome), .. })), _) => {
                Recognised::Repeats(first, outcome.clone())
            }
            (Some((first, _)), _) => Recognised::Rejected(Unrepeatable::NoOutcome { first }),
            (None, IdSource::FrontEnd { again_after: Some(after) }) if *after < self.forgotten => {
                Recognised::Rejected(Unrepeatable::Forgotten)
            }
            (None, _) => Recognised::New,
        }
    }

    fn insert(&mut self, position: Position, made: Made) {
        self.positions.insert((made.id.call, made.id.number), position);
        self.made.insert(position, made);
        while self.made.len() > self.most && self.forget_first().is_some() {}
    }

    /// Forgets the updates that were kept until `time`, the oldest first.
    fn forget_until(&mut self, time: u64) {
        while self.made.get_min().is_some_and(|(_, made)| made.until <= time)
            && self.forget_first().is_some()
        {}
    }

    fn forget_first(&mut self) -> Option<()> {
        let position = self.made.get_min()?.0;
        let Made { id, .. } = self.made.remove(&position)?;
        self.positions.remove(&(id.call, id.number));
        self.forgotten = position;
        Some(())
    }
}

#[cfg(test)]
mod tests;
