use std::fmt;
use std::path::Path;

/// The longest name.
const LONGEST: usize = 64;

/// Reserved words of cargo and Rust, and the packages that a new site uses.
const TAKEN: [&str; 54] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "headwater",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mimalloc",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "tempfile",
    "test",
    "tokio",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
];

/// The name of a site, which is also that of its cargo package, its program and its user: lower-case letters, digits,
/// `-` and `_`, beginning with a letter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SiteName(String);

impl SiteName {
    /// Returns the name in the last part of `folder`.
    ///
    /// # Errors
    /// Fails with a message that says what to write instead.
    pub(crate) fn of_folder(folder: &Path) -> Result<SiteName, String> {
        let Some(name) = folder.file_name() else {
            return Err(format!(
                "`{}` has no name; write the folder to make, as in my-site",
                folder.display()
            ));
        };
        let name = name.to_string_lossy();
        let wrong = if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            "begins with a lower-case letter from a to z"
        } else if !name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        }) {
            "is made of lower-case letters from a to z, digits, `-` and `_`"
        } else if name.len() > LONGEST {
            "has at most 64 letters"
        } else if TAKEN.contains(&&*name.replace('-', "_")) {
            "is not a keyword of Rust and not one of the packages that a site uses"
        } else {
            return Ok(SiteName(name.into_owned()));
        };
        Err(format!(
            "a site cannot be called `{}`: its name {wrong}; write {}, for example",
            name.escape_debug(),
            suggestion(&name)
        ))
    }

    /// Returns the name as a heading: `my-site` becomes "My site".
    pub(crate) fn title(&self) -> String {
        let mut title = self.0.replace(['-', '_'], " ");
        title[..1].make_ascii_uppercase();
        title
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the valid name that is nearest to `name`.
fn suggestion(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let near = words.join("-");
    let near = near.trim_start_matches(|first: char| !first.is_ascii_lowercase());
    let near = &near[..near.len().min(LONGEST - "my-".len())];
    match near {
        "" => "my-site".to_owned(),
        near if TAKEN.contains(&&*near.replace('-', "_")) => format!("my-{near}"),
        near => near.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> String {
        SiteName::of_folder(Path::new(name)).unwrap_err()
    }

    #[test]
    fn a_site_name_is_a_valid_package_name() {
        for name in ["potluck", "my-site", "a1_b", "sites/potluck", "../x/potluck/"] {
            assert!(SiteName::of_folder(Path::new(name)).is_ok(), "{name}");
        }
        assert_eq!(SiteName::of_folder(Path::new("a/my-own_site")).unwrap().title(), "My own site");
    }

    #[test]
    fn an_invalid_name_is_refused_with_a_suggestion() {
        let long = "x".repeat(65);
        for (name, near) in [
            ("My Site", "my-site"),
            ("Böse/Über", "ber"),
            ("9lives", "lives"),
            ("-x", "x"),
            ("a\nb", "a-b"),
            ("try", "my-try"),
            ("proc-macro", "my-proc-macro"),
            ("headwater", "my-headwater"),
            ("日本", "my-site"),
            (&*long, &long[..61]),
        ] {
            let message = refused(name);
            assert!(message.ends_with(&format!("write {near}, for example")), "{message}");
            assert!(!message.contains('\n'), "{message}");
            assert!(SiteName::of_folder(Path::new(near)).is_ok(), "{near}");
        }
        assert!(refused("..").contains("has no name"));
        assert!(refused("/").contains("has no name"));
    }
}
