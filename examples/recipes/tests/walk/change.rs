//! Changes by readers of the site.

use headwater_tests::{Client, Response};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::cast;

/// A form submission.
pub struct Change {
    /// The kind of change.
    pub kind: &'static str,
    target: String,
    fields: String,
}

impl Change {
    /// Chooses a random change for a site with these titles.
    pub fn random(present: &[&'static str], absent: &[&'static str], choices: &mut StdRng) -> Self {
        let enough = present.len() > cast::TITLES.len() - 3;
        let few = present.len() < 12;
        let kind = match choices.random_range(0..10) {
            _ if few => "publish",
            0..2 if !enough => "publish",
            0..4 => "delete",
            4..7 => "edit",
            7..9 => "comment",
            _ => "favourite",
        };
        Change::of(kind, present, absent, choices)
    }

    /// Returns an edit of the recipe with this title.
    pub fn edit(title: &str, choices: &mut StdRng) -> Change {
        let target = format!("{}/edit", cast::address(title));
        // The title does not change, so that the address is free again after a deletion.
        Change { kind: "edit", target, fields: cast::recipe(title, choices) }
    }

    /// Returns a change of this kind, to one of the existing recipes or as a new recipe.
    pub fn of(
        kind: &'static str,
        present: &[&'static str],
        absent: &[&'static str],
        choices: &mut StdRng,
    ) -> Change {
        if kind == "publish" {
            let fields = cast::recipe(cast::pick(absent, choices), choices);
            return Change { kind, target: "/recipes".to_owned(), fields };
        }
        let title = cast::pick(present, choices);
        if kind == "edit" {
            return Change::edit(title, choices);
        }
        let name = cast::encoded(cast::name(choices));
        let (step, fields) = match kind {
            "delete" => ("delete", String::new()),
            "comment" => {
                let text = choices.random_range(0..1_000_000);
                ("comments", format!("author={name}&body=Comment+{text}."))
            }
            _ => ("favourite", format!("author={name}")),
        };
        Change { kind, target: format!("{}/{step}", cast::address(title)), fields }
    }

    /// Sends the form.
    pub async fn send(&self, visitor: &Client) -> Response {
        visitor.form(&self.target, &self.fields).await
    }
}
