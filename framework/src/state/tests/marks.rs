//! The marks of values that views pass to templates.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::packed::{Packed, marked_made, marked_read, marked_row};
use crate::paging::Cursor;
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

fn tag_of(recipe: &Recipe) -> String {
    recipe.tag.clone()
}

#[test]
fn mapped_rows_and_lists_keep_their_marks() {
    let mut kitchen = Kitchen::default();
    kitchen.recipes.insert(Recipe { slug: 1, tag: "soup".to_owned() }).unwrap();
    kitchen.recipes.insert(Recipe { slug: 2, tag: "cake".to_owned() }).unwrap();
    let recorder = Arc::new(Recorder::new(256, AfterReply::Refused));
    let view = kitchen.view(&Reading { recorder: Some(&recorder), names: &["recipes", "motto"] });

    let soup = view.recipes.get(1).unwrap().map(tag_of);
    assert_eq!(packed(&soup), packed(Marked::Made("recipes/1", "soup")));
    assert_eq!(packed(soup.map(String::len)), packed(Marked::Made("recipes/1", 4)));

    let made = || vec![Marked::Made("recipes/1", "soup"), Marked::Made("recipes/2", "cake")];
    let rows = view.recipes.by_key().all().map(tag_of);
    assert_eq!(packed(rows), packed(Marked::Read("recipes@", made())));
    let page = view.recipes.by_key().page(1, 5).map(tag_of);
    assert_eq!(packed(page.rows), packed(Marked::Read("recipes@", made())));
    let of_tag = view.recipes.of(Recipe::TAG, "soup").all().map(tag_of);
    let made = vec![Marked::Made("recipes/1", "soup")];
    assert_eq!(packed(of_tag), packed(Marked::Read("recipes@tag=soup", made)));

    let unrecorded = kitchen.recipes.get(1).unwrap().map(tag_of);
    assert_eq!(packed(unrecorded), packed("soup"));
}

#[test]
fn values_from_a_view_are_marked_with_their_groups() {
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

    #[derive(Serialize)]
    #[serde(rename = "CursorPage")]
    struct ExpectedPage {
        rows: Marked<Vec<Marked<Recipe>>>,
        next: Option<String>,
    }
    let page = Cursor::default().page(&view.recipes.by_key(), 1).unwrap();
    let recipe = Marked::Row("recipes/1", Recipe { slug: 1, tag: "soup".to_owned() });
    let rows = Marked::Read("recipes@", vec![recipe]);
    let expected = Marked::Read("recipes@", ExpectedPage { rows, next: None });
    assert_eq!(packed(page), packed(expected));

    // Serialising a value reads it.
    assert_eq!(
        recorder.close().groups,
        ["motto", "recipes/1", "recipes@", "recipes@<", "recipes@<1", "recipes@tag"]
    );
}
