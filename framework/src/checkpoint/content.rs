use super::reader::{Part, Reader};
use super::{CheckpointError, Head};
use crate::docroot::Manifest;
use crate::log::{Beginning, Invalidation, Joined, Position, Standing, StateHash};
use crate::session::Revocations;
use crate::state::{SavedState, States};

/// The content of a checkpoint, before it is written.
pub(crate) struct Content {
    /// The header.
    pub head: Head,
    /// The front ends that had joined and not left.
    pub joined: Joined,
    /// The deferred invalidations that no later record has settled.
    pub deferred: Vec<(Position, Invalidation)>,
    /// The files of the docroot.
    pub files: Manifest,
    /// The sessions that have ended before they expired.
    pub revocations: Revocations,
    /// The hash of the states.
    pub hash: StateHash,
    /// The values of the states.
    pub states: Vec<SavedState>,
}

/// The size of a written checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The number of items of states in it.
    pub items: u64,
}

/// The content of a checkpoint, without the states, which are restored already.
#[derive(Debug)]
pub(crate) struct Restored {
    /// The position at which a replay continues.
    pub beginning: Beginning,
    /// The deferred invalidations that no later record has settled.
    pub deferred: Vec<(Position, Invalidation)>,
    /// The files of the docroot.
    pub files: Manifest,
    /// The sessions that have ended before they expired.
    pub revocations: Revocations,
    /// The hash of the states.
    pub hash: Option<StateHash>,
}

impl Content {
    /// Returns the outcome of the records up to the log's last one.
    pub(crate) fn of(
        standing: &Standing<'_>,
        states: &States,
        deferred: Vec<(Position, Invalidation)>,
        files: Manifest,
        revocations: Revocations,
    ) -> Content {
        let fingerprint = states.fingerprint();
        let hash = StateHash { after: standing.position, fingerprint, fields: states.hashes() };
        let head = Head {
            log: standing.log.id,
            epoch: standing.log.epoch,
            position: standing.position,
            time: standing.time,
            fingerprint,
            seed: rand::random(),
        };
        let (joined, states) = (standing.joined.clone(), states.save());
        Content { head, joined, deferred, files, revocations, hash, states }
    }
}

impl Restored {
    /// Reads a checkpoint into `states`, after resetting them.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or does not fit the states. Then these contain a part of it.
    pub(super) fn read(reader: &mut Reader, states: &States) -> Result<Restored, CheckpointError> {
        states.reset();
        let Head { position, time, .. } = *reader.head();
        let (mut joined, mut deferred) = (Joined::default(), Vec::new());
        let (mut files, mut revocations) = (Vec::new(), Vec::new());
        let (mut place, mut hash) = (None, None);
        while let Some(part) = reader.next()? {
            match part {
                Part::Joined(members) => joined = members,
                Part::Deferred(position, invalidation) => deferred.push((position, invalidation)),
                Part::Files(piece) => files.push(piece.into()),
                Part::Revocations(piece) => revocations.push(piece.into()),
                Part::Hash(of) => hash = Some(of),
                Part::Field { state, field, version } => place = Some((state, field, version)),
                Part::Item(item) => {
                    let Some((state, field, version)) = &place else {
                        let reason = "an item belongs to no field".to_owned();
                        return Err(CheckpointError::Damaged(reason));
                    };
                    let restored = states.load(state, field, *version, item);
                    restored.map_err(CheckpointError::Refused)?;
                }
            }
        }
        states.loaded().map_err(CheckpointError::Refused)?;
        let undecodable =
            |what| move || CheckpointError::Damaged(format!("{what} cannot be decoded"));
        let files = Manifest::from_pieces(&files).ok_or_else(undecodable("the files"))?;
        let revocations = Revocations::from_pieces(&revocations);
        let revocations = revocations.ok_or_else(undecodable("the ended sessions"))?;
        let beginning = Beginning { position, time, joined };
        Ok(Restored { beginning, deferred, files, revocations, hash })
    }
}
