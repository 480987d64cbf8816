//! Notes that visitors leave on the front page.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

/// The number of notes on the front page.
const SHOWN: usize = 20;

/// A note.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Note {
    /// The number; newer notes have higher ones.
    #[row(key)]
    number: u64,
    text: String,
    /// The time of creation, in milliseconds since 1970.
    left: u64,
}

/// All notes.
#[derive(Clone, Default, State)]
pub struct Notes {
    notes: Table<Note>,
}

/// An update of the notes. Updates are kept in the log: keep every variant, and give new fields `#[serde(default)]`.
#[derive(Serialize, Deserialize)]
pub enum Change {
    /// Adds a note.
    Leave { text: String },
}

impl Updates for Notes {
    const NAME: &'static str = "notes";
    type Update = Change;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, change: Change, at: &mut At) -> Result<(), Violation> {
        match change {
            Change::Leave { text } => {
                let (number, left) = (at.position.0, at.millis());
                self.notes.insert(Note { number, text, left })
            }
        }
    }
}

/// The form's fields and their rules.
#[derive(Form)]
pub struct Draft {
    #[form(required, maxlength = 280, label = "note", autocomplete = "off")]
    text: String,
}

/// The front page.
#[controller("notes.show")]
pub async fn show(site: Data<Notes>) -> Reply {
    template!("home.html")
        .with("form", Draft::empty_form())
        .with("notes", site.notes.by_key().newest(SHOWN))
}

/// Adds a note and redirects the visitor to the front page.
#[controller("notes.leave")]
pub async fn leave(mut site: DataMut<Notes>, form: Submitted<Draft>) -> Result<Reply> {
    let draft = form.valid(|form| {
        template!("home.html")
            .with("form", form)
            .with("notes", site.notes.by_key().newest(SHOWN))
    })?;
    site.update(Change::Leave { text: draft.text }).await??;
    Ok(redirect_to("/"))
}
