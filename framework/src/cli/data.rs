//! `data …`: an operator's commands for the data of a back end.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::args::{Checkpoint, Data, DataCommand};
use super::client::{AdminPort, ClientError};
use super::invalidate::{is_no_backend, refusal, usual_nodes};
use super::{Site, print, runtime, trace, with_secret};
use crate::checkpoint::{LogError, ReplacedRecords, tools};
use crate::config::{Config, environment};
use crate::log::{OpenError, Position};
use crate::problem::{Problem, Problems};

/// The time limit for a checkpoint of large data.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// The pause before the next request to a node that is not reachable.
const AGAIN: Duration = Duration::from_secs(1);
/// Longer than a node waits for the next record.
const LOOK: Duration = Duration::from_secs(60);

/// A completed checkpoint.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeCheckpoint {
    /// The position of the last record that it replaces.
    pub(crate) position: Position,
    /// The length of the file in bytes.
    pub(crate) bytes: u64,
    /// The number of items of states in it.
    pub(crate) items: u64,
    /// The duration in milliseconds.
    pub(crate) milliseconds: u64,
    /// The position of the last record that was removed from the log.
    pub(crate) base: Position,
    /// The number of records that were removed from the log.
    pub(crate) dropped: u64,
    /// The files that still contain older records, if those of the log were deleted.
    pub(crate) left: Vec<PathBuf>,
}

impl fmt::Display for MadeCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MadeCheckpoint { position, bytes, items, milliseconds, base, dropped, left } = self;
        write!(f, "position {position}, {items} items, {bytes} bytes, {milliseconds} ms")?;
        if *base > Position::START {
            write!(
                f,
                "\n{dropped} records have left the log, which begins behind position {base}"
            )?;
        }
        left.iter().try_for_each(|file| write!(f, "\nolder records are left in {}", file.display()))
    }
}

/// The reason why no back end has executed a request.
enum CallError {
    /// No back end was reached.
    NoBackEnd(String),
    /// A request has failed.
    Failed(Problem),
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Problem {
        match error {
            CallError::NoBackEnd(tried) => Problem::new(format!(
                "{tried}; name a back end's admin port with --admin http://HOST:PORT"
            )),
            CallError::Failed(problem) => problem,
        }
    }
}

/// Executes a command.
pub(super) fn run(site: impl Site, data: Data, path: Option<&Path>) -> Result<(), Problems> {
    let config = Config::load(path, environment().chain(data.overrides()))?;
    trace::start(&config.trace)?;
    let folder = &*config.log.path;
    let failed = |message: String| Problems::from(Problem::new(message));
    match data.command {
        DataCommand::Checkpoint(Checkpoint { drop, admin }) => {
            let records = if drop { ReplacedRecords::Drop } else { ReplacedRecords::Keep };
            checkpoint(site, records, admin, config)
        }
        DataCommand::Archive { admin } => checkpoint(site, ReplacedRecords::Archive, admin, config),
        DataCommand::List => {
            tools::list(folder).map_err(failed)?.iter().for_each(|line| print(line));
            Ok(())
        }
        DataCommand::Verify => {
            let (lines, is_whole) = tools::verify(folder);
            if lines.is_empty() {
                // A lost backup, or the wrong folder.
                return Err(failed(format!("{}: there are no data", folder.display())));
            }
            print(&lines.join("\n"));
            is_whole.then_some(()).ok_or_else(|| failed("the data are damaged".to_owned()))
        }
        DataCommand::Restore { at, newest: _, from } => {
            let from = from.as_deref().unwrap_or(folder);
            let restored = tools::restore(from, folder, at.map(Position)).map_err(failed)?;
            let tools::Restored { id, position, base, before } = restored;
            print(&format!("restored position {position}, from {base} on, as log {id}"));
            if let Some(before) = before {
                let before = before.display();
                print(&format!("undo this with `data restore --newest --from {before}`"));
            }
            Ok(())
        }
        DataCommand::Export { checkpoint } => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            tools::export(folder, checkpoint.as_deref(), &mut out).map_err(failed)
        }
        DataCommand::Import { file } => {
            let opened = File::open(&file).and_then(|it| Ok((it.metadata()?.len(), it)));
            let (length, opened) =
                opened.map_err(|error| failed(format!("{}: {error}", file.display())))?;
            let imported = tools::import(BufReader::new(opened), length, folder);
            let (id, position) =
                imported.map_err(|error| failed(format!("{}: {error}", file.display())))?;
            print(&format!("imported as log {id}, position {position}"));
            Ok(())
        }
        DataCommand::Log { after, follow, admin } => {
            let after = after.map(Position);
            if admin.is_none() && !follow {
                let mut out = std::io::BufWriter::new(std::io::stdout().lock());
                match tools::log(folder, after, &mut out) {
                    Err(LogError::Open(OpenError::InUse { .. })) => {}
                    done => return done.map_err(|error| failed(error.to_string())),
                }
            }
            runtime()?.block_on(log(nodes(admin, &config), after, follow)).map_err(Problems::from)
        }
    }
}

fn nodes(admin: Option<AdminPort>, config: &Config) -> Vec<AdminPort> {
    with_secret(admin.map_or_else(|| usual_nodes(config), |node| vec![node]), config)
}

fn checkpoint(
    site: impl Site,
    records: ReplacedRecords,
    admin: Option<AdminPort>,
    config: Config,
) -> Result<(), Problems> {
    let body = serde_json::json!({ "records": records }).to_string();
    let is_named = admin.is_some();
    let asking = first(nodes(admin, &config), async |node| {
        let answer = node.post("/checkpoint", body.clone(), PATIENCE).await?;
        Ok((answer.status, answer.body, node))
    });
    let (status, body, node) = match runtime()?.block_on(asking) {
        Ok(answer) => answer,
        // Fails if a back end is running elsewhere and has the log open.
        Err(CallError::NoBackEnd(_)) if !is_named => {
            print(&site.checkpoint(config, records)?.to_string());
            return Ok(());
        }
        Err(error) => return Err(Problem::from(error).into()),
    };
    if status != StatusCode::OK {
        return Err(Problem::new(refusal(&node, status, &body)).into());
    }
    let made: MadeCheckpoint = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(format!("{node} has answered with no checkpoint: {error}"))
    })?;
    print(&made.to_string());
    Ok(())
}

/// Prints records as a node sends them. With `follow`, waits for a node that restarts, once it was reached.
async fn log(nodes: Vec<AdminPort>, after: Option<Position>, follow: bool) -> Result<(), Problem> {
    let mut nodes = nodes;
    let mut query = after.map_or_else(String::new, |after| format!("&after={after}"));
    let mut is_reached = false;
    loop {
        let path = format!("/log?follow={follow}{query}");
        let asking = first(nodes.clone(), async |node| {
            let answer = node.get_long(&path, LOOK).await?;
            Ok((answer.status, answer.body, node))
        });
        let (status, body, node) = match asking.await {
            Err(_) if follow && is_reached => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            answer => answer.map_err(Problem::from)?,
        };
        is_reached = true;
        if status != StatusCode::OK {
            return Err(Problem::new(refusal(&node, status, &body)));
        }
        let mut out = std::io::stdout().lock();
        if out.write_all(&body).and_then(|()| out.flush()).is_err() {
            // The output is closed.
            return Ok(());
        }
        drop(out);
        #[derive(Deserialize)]
        struct Line {
            position: u64,
        }
        let last = body.trim_ascii().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        match serde_json::from_slice::<Line>(last) {
            Ok(Line { position }) => query = format!("&after={position}"),
            Err(_) if !follow => return Ok(()),
            Err(_) => {}
        }
        nodes = vec![node];
    }
}

/// Returns the answer of the first node that is a back end.
async fn first<T>(
    nodes: Vec<AdminPort>,
    ask: impl AsyncFn(AdminPort) -> Result<(StatusCode, T, AdminPort), ClientError>,
) -> Result<(StatusCode, T, AdminPort), CallError> {
    let mut tried = Vec::new();
    for node in nodes {
        match ask(node.clone()).await {
            Ok((status, ..)) if is_no_backend(status) => {
                tried.push(format!("{node} is not a back end's admin port"));
            }
            Ok(answer) => return Ok(answer),
            Err(error @ ClientError::Unreachable(..)) => tried.push(error.to_string()),
            Err(error) => return Err(CallError::Failed(Problem::new(error.to_string()))),
        }
    }
    Err(CallError::NoBackEnd(tried.join("; ")))
}
