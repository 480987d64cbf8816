use std::path::Path;
use std::sync::PoisonError;

use redb::{Database, ReadableDatabase, ReadableTable};

use super::Engine;
use super::engine::RECORDS;
use super::fault::{guarded, open_error};
use super::frame::{Bad, decode};
use crate::log::{CutTail, OpenError, Position, Record};

/// What is in the log at the start.
#[derive(Debug, Default)]
pub(in crate::log) struct Replayed {
    /// The last record.
    pub(in crate::log) last: Position,
    /// The last record's time.
    pub(in crate::log) time: u64,
    /// What was cut off behind it.
    pub(in crate::log) cut: Option<CutTail>,
}

impl Engine {
    /// Shows each record to `visit`, in order. A torn tail of at most `tail` records is cut off.
    ///
    /// # Errors
    ///
    /// What `visit` returns, and what is wrong with the file. Records may have been shown then.
    pub(in crate::log) fn replay(
        &mut self,
        tail: u64,
        mut visit: impl FnMut(Record) -> Result<(), OpenError>,
    ) -> Result<Replayed, OpenError> {
        let mut replayed = Replayed::default();
        let mut torn: Option<CutTail> = None;
        {
            let path = self.path().to_owned();
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            let database = database.as_ref().expect("an engine that was just opened is open");
            scan(&path, database, |position, found| match (found, &mut torn) {
                (Ok(record), None) => {
                    replayed.last = record.position;
                    replayed.time = record.time;
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

/// Shows each position to `visit`, in order, with its record or what is damaged about it.
fn scan(
    path: &Path,
    database: &Database,
    mut visit: impl FnMut(Position, Result<Record, String>) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut stopped = Ok(());
    let damaged = |position, reason| OpenError::Damaged { path: path.to_owned(), position, reason };
    let scanned = guarded(|| {
        let table = database.begin_read()?.open_table(RECORDS)?;
        let mut expected = Position::START;
        for entry in table.iter()? {
            let (position, value) = entry?;
            let position = Position(position.value());
            expected = expected.next();
            stopped = if position != expected {
                Err(damaged(expected, "the record is missing".to_owned()))
            } else {
                match decode(position, value.value()) {
                    Ok(record) => visit(position, Ok(record)),
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
