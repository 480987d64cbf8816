//! Names of files below a folder, as in requests.

use std::path::{Component, Path};

use super::fingerprint::Fingerprint;

/// A relative path with `/` between its components, which may all be served: no `.` and `..`, no empty names, no
/// backslashes, and no names that begin with a dot, except `.well-known` (RFC 8615). Empty for the folder itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// Parses `path`, which is percent-decoded; one slash at its end is ignored.
    pub(super) fn of(path: &str) -> Option<Name> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let harmless = path.is_empty() || path.split('/').all(is_plain);
        harmless.then(|| Name(path.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of `child` in this folder.
    pub(super) fn child(&self, child: &str) -> Name {
        match self.0.as_str() {
            "" => Name(child.to_owned()),
            folder => Name(format!("{folder}/{child}")),
        }
    }

    /// Returns the name with `end` appended.
    pub(super) fn with_end(&self, end: &str) -> Name {
        Name(format!("{}{end}", self.0))
    }

    /// Splits the name into the name without its fingerprint, and the fingerprint. `None` if it has none.
    pub(super) fn without_fingerprint(&self) -> Option<(Name, Fingerprint)> {
        let (folder, last) = match self.0.rfind('/') {
            Some(slash) => self.0.split_at(slash + 1),
            None => ("", self.0.as_str()),
        };
        let (last, fingerprint) = Fingerprint::split(last)?;
        Some((Name::of(&format!("{folder}{last}"))?, fingerprint))
    }
}

fn is_plain(part: &str) -> bool {
    let hidden = part.starts_with('.') && part != ".well-known";
    if part.is_empty() || hidden || part.contains(['\\', '\0']) {
        return false;
    }
    let mut components = Path::new(part).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_consists_of_plain_components() {
        let name = Name::of("css/site.css").unwrap();
        assert_eq!(name.with_end(".gz").as_str(), "css/site.css.gz");
        assert_eq!(name.without_fingerprint(), None);
        let (name, _) =
            Name::of("a/b.0123456789abcdef.css").unwrap().without_fingerprint().unwrap();
        assert_eq!(name.as_str(), "a/b.css");
        assert!(Name::of("b.0123456789abcdef").unwrap().without_fingerprint().is_some());
        assert_eq!(Name::of("css/").unwrap().child("index.html").as_str(), "css/index.html");
        assert_eq!(Name::of("/").unwrap().child("index.html").as_str(), "index.html");
    }

    #[test]
    fn hidden_names_and_paths_to_the_outside_are_rejected() {
        for path in
            ["..", ".", "a/../b", "a/./b", "/a", "a//b", "a\\b", "a\0", ".env", "a/.git/b", "a//"]
        {
            assert_eq!(Name::of(path), None, "{path}");
        }
        assert!(Name::of(".well-known/security.txt").is_some());
        assert!(Name::of("...").is_none() && Name::of("a...").is_some());
    }

    proptest! {
        #[test]
        fn no_name_leads_outside(path in "([./\\\\a\0:é~%]|\\.\\.|[^a]){0,12}") {
            if let Some(name) = Name::of(&path) {
                let relative = Path::new(name.as_str());
                prop_assert!(relative.is_relative());
                prop_assert!(relative.components().all(|part| matches!(part, Component::Normal(_))));
            }
        }
    }
}
