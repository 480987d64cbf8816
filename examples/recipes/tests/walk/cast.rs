//! The values in changes: titles, names and tags, few enough to occur again and again.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

/// The number of these recipes that a new site has; they are the first ones.
pub const PUBLISHED: usize = 13;

/// The titles of the recipes that are published and deleted. The first ones are those of a new
/// site.
pub const TITLES: [&str; 18] = [
    "Red lentil soup",
    "Overnight white bread",
    "Tomato and bread salad",
    "Miso aubergine on rice",
    "Leek and potato soup",
    "Plum crumble",
    "Chickpeas with spinach",
    "Pancakes for a crowd",
    "Braised white cabbage",
    "Mushroom barley",
    "Roast squash with lime",
    "Soda bread in an hour",
    "Noodles with peanut sauce",
    "Fennel gratin",
    "Cold cucumber soup",
    "Walnut sauce",
    "Crème brûlée",
    "麻婆豆腐",
];

/// The authors, and the readers who comment; the first has written most.
pub const NAMES: [&str; 4] = ["Ines Moreau", "Hanna Sato", "Ruth", "Zoë & Co."];

/// The tags; the first is on most recipes, the last on none at first.
pub const TAGS: [&str; 5] = ["supper", "vegan", "soup", "one-pot", "酒"];

/// Returns the slug of a title.
pub fn slug(title: &str) -> String {
    headwater::slug(title)
}

/// Returns the address of the recipe with this title.
pub fn address(title: &str) -> String {
    format!("/recipes/{}", encoded(&slug(title)))
}

/// Percent-encodes a text for an address or a form.
pub fn encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

/// Chooses a name, in most cases the first.
pub fn name(choices: &mut StdRng) -> &'static str {
    if choices.random_bool(0.6) { NAMES[0] } else { pick(&NAMES, choices) }
}

/// Chooses one of these.
pub fn pick(of: &[&'static str], choices: &mut StdRng) -> &'static str {
    of.choose(choices).expect("there are some")
}

/// Returns the encoded form of a recipe with this title.
pub fn recipe(title: &str, choices: &mut StdRng) -> String {
    let count = choices.random_range(0..3);
    let mut tags = TAGS[1..].iter().copied().sample(choices, count);
    if choices.random_bool(0.7) {
        tags.push(TAGS[0]);
    }
    let (name, text) = (name(choices), choices.random_range(0..1_000_000));
    let fields = [("title", title), ("author", name), ("tags", &tags.join(","))];
    let fields = fields.map(|(name, value)| format!("{name}={}&", encoded(value)));
    format!("{}body=Text+{text}.", fields.concat())
}
