//! Lines of text that are stored as they were sent, so that a record of the log can be recognised and can have any
//! size.

use headwater::prelude::*;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// A line.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Line {
    #[row(key)]
    position: u64,
    text: String,
}

/// All lines, in the order in which they were added.
#[derive(Clone, Default, State)]
pub struct Notes {
    lines: Table<Line>,
}

/// The updates of the notes. Adding a line that begins with `panic` fails half-way; one that begins with `process` is
/// stored differently in each process.
#[derive(Serialize, Deserialize)]
pub enum Change {
    /// Adds a line.
    Add {
        /// The line.
        line: String,
    },
    /// Removes all lines that begin with a word.
    Remove {
        /// The word.
        word: String,
    },
}

impl Updates for Notes {
    const NAME: &'static str = "notes";
    type Update = Change;
    /// The number of lines after the update.
    type Output = usize;
    type Refusal = Violation;

    fn apply(&mut self, change: Change, at: &mut At) -> Result<usize, Violation> {
        let line = match change {
            Change::Add { line } => line,
            Change::Remove { word } => {
                for line in self.lines.read().by_key().all() {
                    if line.text.starts_with(&word) {
                        self.lines.remove(line.position)?;
                    }
                }
                return Ok(self.lines.read().count());
            }
        };
        let fails = line.starts_with("panic");
        let text = match line.starts_with("process") {
            true => format!("{line} {}", std::process::id()),
            false => line,
        };
        self.lines.insert(Line { position: at.position.0, text })?;
        assert!(!fails, "the update has lost its head");
        Ok(self.lines.read().count())
    }
}

/// Returns the first word of each line.
#[controller("notes.list")]
pub async fn list(notes: Data<Notes>) -> Reply {
    let lines = notes.lines.by_key().all();
    let words = lines.iter().map(|line| line.text.split(' ').next().unwrap_or_default());
    json(&words.collect::<Vec<_>>())
}

/// Returns every line with its position.
#[controller("notes.whole")]
pub async fn whole(notes: Data<Notes>) -> Reply {
    json(&notes.lines.by_key().all())
}

/// Adds the body as a line, and then makes all further writes to files fail in this process. The invalidation that
/// depends on the reply cannot be stored.
#[controller("notes.add_and_fill_the_disk")]
#[invalidate("^/all$", when = succeeded)]
pub async fn add_and_fill_the_disk(line: String, mut notes: DataMut<Notes>) -> Result<Reply> {
    let lines = notes.update(Change::Add { line }).await??;
    setrlimit(Resource::Fsize, Rlimit { current: Some(0), maximum: None })?;
    Ok(text(lines.to_string()))
}

fn succeeded(reply: &Reply) -> bool {
    reply.status().is_success()
}

/// Removes all lines that begin with the body.
#[controller("notes.remove")]
pub async fn remove(word: String, mut notes: DataMut<Notes>) -> Result<Reply> {
    let lines = notes.update(Change::Remove { word }).await??;
    Ok(text(lines.to_string()))
}

/// Adds the body as a line.
#[controller("notes.add")]
pub async fn add(line: String, mut notes: DataMut<Notes>) -> Result<Reply> {
    let lines = notes.update(Change::Add { line }).await??;
    Ok(text(lines.to_string()))
}
