//! The marks of what views give to templates.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::packed::{Packed, marked_made, marked_read, marked_row};
use crate::state::field::Reading;
use crate::state::{AfterReply, Recorder, Ref, Row, State, Table, Value};

#[derive(Clone, Serialize, Deserialize, Row)]
struct Recipe {
    #[row(key)]
    slug: u8,
    #[row(index)]
    tag: String,
}

#[derive(Clone, Default, State)]
struct Kitchen {
    recipes: Table<Recipe>,
    motto: Value<String>,
}

#[derive(Serialize)]
struct Shown {
    recipe: Ref<Recipe>,
    number: usize,
}

/// A value with a mark.
enum Marked<T> {
    Row(&'static str, T),
    Read(&'static str, T),
    Made(&'static str, T),
}

impl<T: Serialize> Serialize for Marked<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Marked::Row(group, value) => marked_row(group, value, to),
            Marked::Read(group, value) => marked_read(&[group], value, to),
            Marked::Made(group, value) => marked_made(group, value, to),
        }
    }
}

fn packed(value: impl Serialize) -> Vec<u8> {
    let mut packed = Packed::new();
    packed.insert("value", &value).unwrap();
    packed.into_bytes()
}

#[test]
fn what_a_view_gives_says_what_it_depends_on() {
    let mut kitchen = Kitchen::default();
    kitchen.motto.set("Dry".to_owned());
    kitchen.recipes.insert(Recipe { slug: 1, tag: "soup".to_owned() }).unwrap();
    let recorder = Arc::new(Recorder::new(256, AfterReply::Refused));
    let view = kitchen.view(&Reading { recorder: Some(&recorder), names: &["recipes", "motto"] });

    assert_eq!(packed(&view.motto), packed(Marked::Row("motto", "Dry")));

    let values = view.recipes.values(Recipe::TAG);
    assert_eq!(&*values, [("soup".to_owned(), 1)]);
    let pairs = vec![Marked::Made("recipes@tag", ("soup", 1))];
    assert_eq!(packed(values), packed(Marked::Read("recipes@tag", pairs)));

    #[derive(Serialize)]
    #[serde(rename = "Shown")]
    struct Expected {
        recipe: Marked<Recipe>,
        number: usize,
    }
    let shown = view.recipes.by_key().all().map_with(|recipe| Shown { recipe, number: 7 });
    let recipe = Marked::Row("recipes/1", Recipe { slug: 1, tag: "soup".to_owned() });
    let expected = Marked::Read("recipes@", vec![Expected { recipe, number: 7 }]);
    assert_eq!(packed(shown), packed(expected));

    // To serialise a value is to read it.
    assert_eq!(recorder.close().groups, ["motto", "recipes/1", "recipes@", "recipes@tag"]);
}
