use std::panic::{AssertUnwindSafe, catch_unwind};

use super::applier::panic_message;
use super::committer::{BATCH_RECORDS, Trouble, apply, end_batch};
use super::embedded::{Engine, Replayed};
use super::handle::CutTail;
use super::time;
use super::{Applier, Beginning, Joined, OpenError, Progress};

/// Passes every record to the applier.
pub(super) fn replay(
    mut engine: Engine,
    applier: &mut impl Applier,
    trouble: &Trouble,
) -> Result<(Engine, Joined, Replayed), OpenError> {
    let path = engine.path().to_owned();
    let past = engine.past()?;
    let began = catch_unwind(AssertUnwindSafe(|| applier.begin(&past)));
    let began = began.unwrap_or_else(|panic| Err(panic_message(&*panic).to_owned()));
    let began = began.map_err(|message| OpenError::Beginning { path: path.clone(), message })?;
    let Beginning { position: after, time, mut joined } = began;
    let mut progress = Progress::begin("replaying the log", past.last().0.saturating_sub(after.0));
    let replayed = engine.replay(BATCH_RECORDS as u64, (after, time), |record| {
        let position = record.position;
        if let Err(error) = apply(applier, &record) {
            if let Some(message) = error.halts() {
                let (path, message) = (path.clone(), message.to_owned());
                return Err(OpenError::Inapplicable { path, position, message });
            }
            tracing::warn!(%position, %error, "a record was skipped");
        }
        joined.observe(&record);
        progress.step(position.0 - after.0);
        Ok(())
    })?;
    progress.end(replayed.last.0 - after.0);
    if let Some(CutTail { position, records, reason }) = &replayed.cut {
        tracing::warn!(
            file = %path.display(), %position, records, %reason,
            "the end of the log was torn and has been cut off",
        );
    }
    time::warn_of(&path, replayed.time);
    end_batch(applier, replayed.last);
    let mut begun = engine.begin(replayed.last);
    if let Err(failure) = &begun
        && failure.is_damage()
    {
        // The damage is found now and not by the first write. Opening the file again checks all of it, and
        // rebuilds structures that follow from the rest, such as the list of free space.
        tracing::warn!(file = %path.display(), %failure, "the log is damaged where it must be written");
        let corrupt = |reason| OpenError::Corrupt { path: path.clone(), reason };
        engine.reopen(replayed.last).map_err(corrupt)?;
        begun = engine.begin(replayed.last);
    }
    match begun {
        Ok(()) => engine.note_in_lock(replayed.last),
        Err(failure) if failure.is_damage() => return Err(engine.open_error(failure)),
        // If the disk is full, for example, the epoch is stored with the first record instead.
        Err(failure) => {
            tracing::error!(file = %path.display(), %failure, "the log cannot be written");
            trouble.set(Some(failure.to_string()));
            if let Err(reason) = engine.reopen(replayed.last) {
                tracing::error!(%reason, "the log's file could not be opened again");
            }
        }
    }
    Ok((engine, joined, replayed))
}
