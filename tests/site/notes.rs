//! Lines of text that are kept as they were sent, so that a record of the log can be recognised
//! and can be of any size.

use headwater::prelude::*;
use imbl::Vector;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// All lines, in the order in which they came.
#[derive(Clone, Default)]
pub struct Notes {
    lines: Vector<String>,
}

/// What can happen to the notes. To add a line that begins with `panic` fails half-way.
#[derive(Serialize, Deserialize)]
pub enum Change {
    /// A line is added.
    Add {
        /// The line.
        line: String,
    },
}

impl State for Notes {
    const NAME: &'static str = "notes";
    type Update = Change;
    /// How many lines there are now.
    type Output = usize;

    fn apply(&mut self, change: Change, _: At) -> usize {
        let Change::Add { line } = change;
        let fails = line.starts_with("panic");
        self.lines.push_back(line);
        assert!(!fails, "the update has lost its head");
        self.lines.len()
    }

    fn invalidates(_: &Change) -> Invalidation {
        Invalidation::new().group("notes")
    }
}

/// The first word of each line.
#[controller("notes.list")]
pub async fn list(notes: Data<Notes>) -> Reply {
    let notes = notes.snapshot();
    let words = notes.lines.iter().map(|line| line.split(' ').next().unwrap_or_default());
    json(&words.collect::<Vec<_>>())
}

/// Adds the body as a line, and then no file of this process can be written any more. What the reply
/// decides cannot be stored.
#[controller("notes.add_and_fill_the_disk")]
#[invalidate("^/all$", when = succeeded)]
pub async fn add_and_fill_the_disk(line: String, notes: Data<Notes>) -> Result<Reply> {
    let lines = notes.update(Change::Add { line }).await?;
    setrlimit(Resource::Fsize, Rlimit { current: Some(0), maximum: None })?;
    Ok(text(lines.to_string()))
}

fn succeeded(reply: &Reply) -> bool {
    reply.status().is_success()
}

/// Adds the body as a line.
#[controller("notes.add")]
pub async fn add(line: String, notes: Data<Notes>) -> Result<Reply> {
    let lines = notes.update(Change::Add { line }).await?;
    Ok(text(lines.to_string()))
}
