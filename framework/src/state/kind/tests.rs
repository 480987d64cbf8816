use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::*;

/// Returns whether all of these values are of different kinds.
fn differ<U: Serialize + DeserializeOwned>(updates: &[U]) -> bool {
    let kinds = updates.iter().map(|update| kind_of("state", update));
    kinds.collect::<std::collections::BTreeSet<_>>().len() == updates.len()
}

fn alike<U: Serialize + DeserializeOwned>(one: U, other: U) -> bool {
    kind_of("state", &one) == kind_of("state", &other)
}

/// Checks that variants of this enum are of different kinds, whatever their contents, with these attributes of
/// serde.
macro_rules! variants_differ {
    ($($attribute:meta),*) => {{
        #[derive(Clone, Serialize, Deserialize)]
        $(#[$attribute])*
        enum Change {
            Add { title: String, number: u64 },
            Take { title: String, number: i64, why: Option<String> },
            Swap { title: String, with: u8 },
            Clear,
        }
        #[derive(Clone, Serialize, Deserialize)]
        struct Signed(Change);
        #[derive(Clone, Serialize, Deserialize)]
        struct By {
            by: String,
            change: Option<Change>,
        }
        #[derive(Clone, Serialize, Deserialize)]
        enum Of {
            Kitchen(Change),
        }
        let title = |title: &str| title.to_owned();
        let updates = |name: &str, number: u64| {
            let why = (number > 5).then(|| title("too many"));
            [
                Change::Add { title: title(name), number },
                Change::Take { title: title(name), number: -(number as i64), why },
                Change::Swap { title: title(name), with: number as u8 },
                Change::Clear,
            ]
        };
        let (one, other) = (updates("a", 1), updates("b", 9));
        assert!(differ(&one), "{}", stringify!($($attribute)*));
        assert!(differ(&one.clone().map(Signed)));
        for (one, other) in one.into_iter().zip(other) {
            assert!(alike(one.clone(), other.clone()), "{}", stringify!($($attribute)*));
            assert!(alike(Signed(one.clone()), Signed(other.clone())));
            assert!(alike(Of::Kitchen(one.clone()), Of::Kitchen(other.clone())));
            let by = |by: &str, change| By { by: title(by), change: Some(change) };
            assert!(alike(by("ada", one), by("bob", other)));
        }
        (updates("a", 1).map(|change| By { by: title("ada"), change: Some(change) }), updates("a", 1).map(Of::Kitchen))
    }};
}

#[test]
fn variants_are_kinds_in_every_representation() {
    let (by, of) = variants_differ!();
    assert!(differ(&by) && differ(&of));
    let (by, of) = variants_differ!(serde(tag = "kind", content = "of"));
    assert!(differ(&by) && differ(&of));
    let (by, _) = variants_differ!(serde(tag = "kind"));
    assert!(differ(&by));
    let (by, _) = variants_differ!(serde(tag = "title_", rename_all = "lowercase"));
    assert!(differ(&by));
}

#[test]
fn untagged_variants_are_kinds() {
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Change {
        Add { title: String },
        Name { name: String },
        Number(u64),
        Text(String),
    }
    let title = |title: &str| title.to_owned();
    let updates = [
        Change::Add { title: title("a") },
        Change::Name { name: title("a") },
        Change::Number(1),
        Change::Text(title("a")),
    ];
    assert!(differ(&updates));
    assert!(alike(Change::Add { title: title("a") }, Change::Add { title: title("b") }));
}

#[test]
fn contents_are_no_kind() {
    #[derive(Serialize, Deserialize)]
    struct SignUp {
        name: String,
        salt: [u8; 2],
        #[serde(skip_serializing_if = "Option::is_none", default)]
        from: Option<IpAddr>,
        at: std::time::SystemTime,
        friends: Vec<String>,
    }
    let sign_up = |name: &str, from: Option<&str>, friends: usize| SignUp {
        name: name.to_owned(),
        salt: [friends as u8; 2],
        from: from.map(|from| from.parse().unwrap()),
        at: std::time::UNIX_EPOCH + std::time::Duration::from_secs(friends as u64),
        friends: vec![name.to_owned(); friends],
    };
    let first = || sign_up("ada", Some("10.0.0.1"), 0);
    assert!(alike(first(), sign_up("bob", Some("::1"), 7)));
    assert!(alike(first(), sign_up("ada", None, 1)));
    assert!(alike((title("a"), 1), (title("b"), 2)));
    assert_ne!(kind_of("one", &first()), kind_of("other", &first()), "of two states");
}

fn title(title: &str) -> String {
    title.to_owned()
}

#[test]
fn a_kind_stays_the_same_when_variants_are_added() {
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Before {
        Add { title: String },
    }
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum After {
        New { title: String },
        Add { title: String, note: Option<String> },
    }
    let before = kind_of("state", &Before::Add { title: title("a") });
    let after = kind_of("state", &After::Add { title: title("b"), note: None });
    assert_eq!(before, after);
    assert_ne!(before, kind_of("state", &After::New { title: title("a") }));
}

#[test]
fn a_variant_of_a_flattened_enum_is_a_kind() {
    #[derive(Serialize, Deserialize)]
    enum Change {
        Add { number: u64 },
        Take { number: u64 },
    }
    #[derive(Serialize, Deserialize)]
    struct By {
        by: String,
        #[serde(flatten)]
        change: Change,
    }
    let by = |name: &str, change| By { by: title(name), change };
    let add = |number| Change::Add { number };
    assert!(differ(&[by("ada", add(1)), by("ada", Change::Take { number: 1 })]));
    assert!(alike(by("ada", add(1)), by("bob", add(2))));
}
