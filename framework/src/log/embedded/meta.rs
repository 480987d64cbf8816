//! The file's metadata: format, id, base, openings.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::fault::{guarded, open_error};
use crate::log::epoch::{EpochStart, KEPT};
use crate::log::past::Base;
use crate::log::{Epoch, LogId, OpenError, Position};

/// The log's openings, numbered.
const EPOCHS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("epochs");
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const FORMAT: u32 = 5;

pub(super) fn write_meta(transaction: &WriteTransaction, id: LogId) -> Result<(), redb::Error> {
    let mut meta = transaction.open_table(META)?;
    meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
    meta.insert("id", id.0.to_le_bytes().as_slice())?;
    Ok(())
}

/// Returns the log's id, if the file is a log of this build's format.
pub(super) fn read_meta(path: &Path, database: &Database) -> Result<LogId, OpenError> {
    let corrupt =
        |reason: &str| OpenError::Corrupt { path: path.to_owned(), reason: reason.to_owned() };
    let read = guarded(|| {
        let meta = database.begin_read()?.open_table(META)?;
        let bytes = |key| Ok::<_, redb::Error>(meta.get(key)?.map(|value| value.value().to_vec()));
        Ok((bytes("format")?, bytes("id")?))
    });
    let (format, id) = match read {
        Ok(read) => read,
        Err(redb::Error::TableDoesNotExist(_)) => {
            return Err(corrupt("it is a redb file, but not a log"));
        }
        Err(error) => return Err(open_error(path, error)),
    };
    let format = format.and_then(|format| format.try_into().ok()).map(u32::from_le_bytes);
    let id = id.and_then(|id| id.try_into().ok()).map(u128::from_le_bytes);
    match (format, id) {
        (Some(FORMAT), Some(id)) => Ok(LogId(id)),
        (Some(found), _) if found != FORMAT => {
            Err(OpenError::Format { path: path.to_owned(), found, known: FORMAT })
        }
        _ => Err(corrupt("its table `meta` is not that of a log")),
    }
}

/// Returns the position up to which the file's records were dropped.
pub(super) fn read_base(database: &Database) -> Result<Base, redb::Error> {
    guarded(|| {
        let meta = database.begin_read()?.open_table(META)?;
        let Some(value) = meta.get("base")? else { return Ok(Base::default()) };
        base_of(value.value()).ok_or_else(|| redb::Error::Corrupted("the log's base".to_owned()))
    })
}

pub(super) fn write_base(transaction: &WriteTransaction, base: Base) -> Result<(), redb::Error> {
    let numbers = [base.position.0, base.time, base.epoch.0];
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    transaction.open_table(META)?.insert("base", &*bytes)?;
    Ok(())
}

fn base_of(bytes: &[u8]) -> Option<Base> {
    let ([position, time, epoch], []) = bytes.as_chunks::<8>() else { return None };
    Some(Base {
        position: Position(u64::from_le_bytes(*position)),
        time: u64::from_le_bytes(*time),
        epoch: Epoch(u64::from_le_bytes(*epoch)),
    })
}

/// Returns the openings that are stored in the file, the oldest first.
pub(super) fn read_epochs(database: &Database) -> Result<Vec<EpochStart>, redb::Error> {
    guarded(|| {
        let table = match database.begin_read()?.open_table(EPOCHS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut epochs = Vec::new();
        for entry in table.iter()? {
            // An opening that cannot be decoded counts as missing.
            epochs.extend(EpochStart::from_bytes(entry?.1.value()));
        }
        Ok(epochs)
    })
}

/// Stores openings, the oldest first, and replaces the stored ones.
pub(super) fn write_epochs(
    transaction: &WriteTransaction,
    stored: &[EpochStart],
) -> Result<(), redb::Error> {
    let mut epochs = transaction.open_table(EPOCHS)?;
    epochs.retain(|_, _| false)?;
    for (start, number) in stored.iter().zip(0..) {
        epochs.insert(number, start.to_bytes().as_slice())?;
    }
    Ok(())
}

/// Stores another opening, and removes the oldest ones beyond the limit.
pub(super) fn store_epoch(
    transaction: &WriteTransaction,
    began: EpochStart,
) -> Result<(), redb::Error> {
    let mut epochs = transaction.open_table(EPOCHS)?;
    let number = epochs.last()?.map_or(0, |(number, _)| number.value() + 1);
    epochs.insert(number, began.to_bytes().as_slice())?;
    let mut kept = (number + 1).saturating_sub(KEPT as u64);
    // The checkpoint of the log's base must stay recognisable, however often the log is opened.
    let meta = transaction.open_table(META)?;
    if let Some(base) = meta.get("base")?.and_then(|value| base_of(value.value())) {
        for entry in epochs.iter()? {
            let (number, value) = entry?;
            if EpochStart::from_bytes(value.value()).is_some_and(|it| it.epoch == base.epoch) {
                kept = kept.min(number.value());
            }
        }
    }
    epochs.retain_in(..kept, |_, _| false)?;
    Ok(())
}
