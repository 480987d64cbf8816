//! The parts of a scaffold that depend on whether rows belong to accounts.

const PART: &str = include_str!("../files/scaffold_part.conf");
const OWN: &str = include_str!("../files/own.rs.in");
const MEMBER: &str = include_str!("../files/member.rs.in");
const TEST: &str = include_str!("../files/owned_test.rs.in");

/// A placeholder, its text without owners, and its text with them.
type Place = (&'static str, &'static str, &'static str);

const CODE: [Place; 9] = [
    ("@use_member@", "", "use crate::accounts;\n"),
    ("@own@", "", OWN),
    ("@signed_in@", "", "#[before(signed_in)]\n"),
    ("@session@", "", "\nmember: Session<accounts::Member>,"),
    ("@create_open@", "(", " { owner: member.id, content: "),
    ("@create_close@", ")", " }"),
    ("@found@", "site.@many@.get(id).or_not_found()?", "own(id, &member, &site)?"),
    ("@check@", "", "\nown(id, &member, &site)?;"),
    (
        "pub use table::@Many@;",
        "pub use table::@Many@;",
        "pub use table::@Many@;\nuse table::{@Many@View, @One@};",
    ),
];

const TABLE: [Place; 5] = [
    (
        "@owner@",
        "",
        "    /// The number of the account that it belongs to.\n    #[row(index)]\n    pub owner: u64,\n",
    ),
    (
        "@create@",
        "    Create(Content),\n",
        "    Create {\n/// The number of the account.\nowner: u64,\n/// The submitted content.\ncontent: Content,\n},\n",
    ),
    ("@pattern@", "(Content { @names@ })", " { owner, content: Content { @names@ } }"),
    ("@owned@", "", "owner, "),
    ("@owner_of@", "", "stored.owner, "),
];

const ROUTES: [Place; 1] = [("@form@", "query = []", "cache = \"no_cache\"")];

const TESTS: [Place; 4] = [
    (
        "use headwater::test::{Site, TestVisitor};\n",
        "use headwater::test::{Site, TestVisitor};\n",
        "use headwater::test::{Site, TestVisitor};\n\nuse crate::accounts;\n",
    ),
    ("@member@", "", MEMBER),
    ("@sign_in@", "", "    visitor.sign_in(&member(7, \"Ana\"));\n"),
    ("@owned_test@\n", "", TEST),
];

const PAGES: [Place; 3] = [
    ("@actions@", ACTIONS, "{{ part(url=\"/parts/@path@/\" ~ @one@.id) }}\n"),
    ("@if_owns@", "", "  {% if owns %}\n"),
    ("@end_if@", "", "  {% endif %}\n"),
];

/// The buttons below the row on its page.
pub(super) const ACTIONS: &str = include_str!("../files/actions.html");

/// The visitors who may change a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::generate) enum Owned {
    /// Every visitor.
    No,
    /// The account that has created it.
    Yes,
}

impl Owned {
    pub(super) fn code(self, text: &str) -> String {
        self.filled(text, &CODE)
    }

    pub(in crate::cli::generate) fn table(self, text: &str) -> String {
        self.filled(text, &TABLE)
    }

    pub(super) fn tests(self, text: &str) -> String {
        self.filled(text, &TESTS)
    }

    pub(super) fn page(self, text: &str) -> String {
        self.filled(text, &PAGES)
    }

    pub(super) fn routes(self, text: &str) -> String {
        let part = if self == Owned::Yes { PART } else { "" };
        self.filled(text, &ROUTES) + part
    }

    fn filled(self, text: &str, places: &[Place]) -> String {
        places.iter().fold(text.to_owned(), |text, (place, without, with)| {
            text.replace(place, if self == Owned::Yes { with } else { without })
        })
    }
}
