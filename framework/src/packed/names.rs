//! The names of fields, kept for as long as the process runs.
//!
//! They are part of the site's code, so they are few and do not change, and readers of values can share them
//! without reference counts. If a back end sends more, those beyond the limit are not kept.

use std::collections::HashSet;
use std::sync::{LazyLock, PoisonError, RwLock};

/// The maximum number of names that are kept.
const MOST: usize = 4096;
/// The maximum length of a name that is kept, in bytes.
const LONGEST: usize = 64;

static NAMES: LazyLock<Names> = LazyLock::new(Names::default);

#[derive(Default)]
struct Names(RwLock<HashSet<&'static str>>);

/// Returns the same names with a static lifetime, if all of them are kept.
pub(super) fn kept(names: &[&str]) -> Option<Vec<&'static str>> {
    NAMES.kept(names)
}

impl Names {
    fn kept(&self, names: &[&str]) -> Option<Vec<&'static str>> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let found = names.iter().map(|name| known.get(*name).copied()).collect();
            if let Some(found) = found {
                return Some(found);
            }
            // A name that does not fit into the table must not keep the others out.
            if known.len() >= MOST || names.iter().any(|name| name.len() > LONGEST) {
                return None;
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if !known.contains(*name) && known.len() < MOST {
                known.insert(Box::leak((*name).into()));
            }
        }
        names.iter().map(|name| known.get(*name).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_names_are_kept_than_the_table_holds() {
        let kept = Names::default();
        assert_eq!(kept.kept(&["title"]), Some(vec!["title"]));
        let long = "n".repeat(LONGEST + 1);
        assert_eq!(kept.kept(&["title", &long]), None);
        let names: Vec<String> = (0..2 * MOST).map(|number| format!("name-{number}")).collect();
        let found = names.iter().filter(|name| kept.kept(&[name]).is_some()).count();
        assert!(found == MOST - 1 && kept.0.read().unwrap().len() == MOST);
        // Names that were kept before stay.
        assert_eq!(kept.kept(&["title"]), Some(vec!["title"]));
    }
}
