use std::path::Path;
use std::sync::PoisonError;

use redb::{Database, ReadableDatabase};

use super::Engine;
use super::engine::RECORDS;
use super::fault::{guarded, open_error};
use super::frame::{Bad, decode};
use crate::log::{CutTail, OpenError, Position, ReadError, Record};

/// The content of the log at the start.
#[derive(Debug, Default)]
pub(in crate::log) struct Replayed {
    /// The last record.
    pub(in crate::log) last: Position,
    /// The last record's time.
    pub(in crate::log) time: u64,
    /// The tail that was cut off behind it.
    pub(in crate::log) cut: Option<CutTail>,
    /// The number of bytes of the replayed records.
    pub(in crate::log) bytes: u64,
}

impl Engine {
    /// Passes each record behind `after`, which has this `time`, to `visit`, in order. Cuts off a torn tail of
    /// at most `tail` records.
    ///
    /// # Errors
    ///
    /// When `visit` fails, and when the file is damaged. Records may have been passed to `visit` before.
    pub(in crate::log) fn replay(
        &mut self,
        tail: u64,
        (after, time): (Position, u64),
        mut visit: impl FnMut(Record) -> Result<(), OpenError>,
    ) -> Result<Replayed, OpenError> {
        let mut replayed = Replayed { last: after, time, ..Replayed::default() };
        let mut torn: Option<CutTail> = None;
        {
            let path = self.path().to_owned();
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            let database = database.as_ref().expect("an engine that was just opened is open");
            scan(&path, database, after, |position, found| match (found, &mut torn) {
                (Ok((record, bytes)), None) => {
                    replayed.last = record.position;
                    replayed.time = record.time;
                    replayed.bytes += bytes as u64;
                    visit(record)
                }
                (Err(reason), None) => {
                    torn = Some(CutTail { position, records: 1, reason });
                    Ok(())
                }
                (Err(_), Some(torn)) if torn.records < tail => {
                    torn.records += 1;
                    Ok(())
                }
                (_, Some(torn)) => Err(OpenError::Damaged {
                    path: path.clone(),
                    position: torn.position,
                    reason: torn.reason.clone(),
                }),
            })?;
        }
        if let Some(torn) = torn {
            self.cut(torn.position)?;
            replayed.cut = Some(torn);
        }
        self.begin_epoch(replayed.last);
        Ok(replayed)
    }
}

/// Passes each position behind `after` to `visit`, in order, with its record and the record's length, or with
/// the damage of the record.
pub(super) fn scan(
    path: &Path,
    database: &Database,
    after: Position,
    mut visit: impl FnMut(Position, Result<(Record, usize), String>) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut stopped = Ok(());
    let damaged = |position, reason| OpenError::Damaged { path: path.to_owned(), position, reason };
    let scanned = guarded(|| {
        let table = database.begin_read()?.open_table(RECORDS)?;
        let mut expected = after;
        for entry in table.range(after.next().0..)? {
            let (position, value) = entry?;
            let position = Position(position.value());
            expected = expected.next();
            stopped = if position != expected {
                Err(damaged(expected, "the record is missing".to_owned()))
            } else {
                match decode(position, value.value()) {
                    Ok(record) => visit(position, Ok((record, value.value().len()))),
                    Err(Bad::Damaged(reason)) => visit(position, Err(reason)),
                    Err(Bad::Unknown(reason)) => Err(damaged(position, reason)),
                }
            };
            if stopped.is_err() {
                break;
            }
        }
        Ok(())
    });
    stopped.and(scanned.map_err(|error| open_error(path, error)))
}

/// The good records behind `after` within the bounds, and the error after them, if any.
pub(super) type ReadSoFar<T> = (Vec<T>, Option<ReadError>);

/// Reads up to `records` records behind `after`, with about `bytes` bytes in all.
pub(super) fn read<T>(
    database: &Database,
    after: Position,
    records: usize,
    bytes: usize,
    take: impl Fn(Record, &[u8]) -> T,
) -> Result<ReadSoFar<T>, ReadError> {
    guarded(|| {
        let mut found: Vec<T> = Vec::new();
        let mut read_bytes = 0;
        let mut expected = after;
        for entry in database.begin_read()?.open_table(RECORDS)?.range(after.next().0..)? {
            let (position, value) = entry?;
            let (position, value) = (Position(position.value()), value.value());
            expected = expected.next();
            read_bytes += value.len();
            if found.len() == records || (!found.is_empty() && read_bytes > bytes) {
                break;
            }
            let decoded = if position == expected {
                decode(position, value)
            } else {
                Err(Bad::Damaged("the record is missing".to_owned()))
            };
            match decoded {
                Ok(record) => found.push(take(record, value)),
                Err(Bad::Damaged(reason) | Bad::Unknown(reason)) => {
                    return Ok((found, Some(ReadError::Damaged { position: expected, reason })));
                }
            }
        }
        Ok((found, None))
    })
    .map_err(|error| ReadError::Storage { reason: error.to_string() })
}
