use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::carried::Carried;
use super::notice::Notice;
use crate::log::Invalidation;
use crate::shown::shown;

/// How many pieces of advice there are at most.
const MOST: usize = 100;

/// What a site's author is told in development of what is not an error and probably a mistake: each piece once, in the log and
/// at the end of every page, until the site's files are reloaded. In production nothing is noted and nothing said.
#[derive(Debug)]
pub(crate) struct Advice {
    /// None in production.
    given: Option<Mutex<Given>>,
}

#[derive(Debug)]
struct Given {
    /// The groups that entries were in so far.
    carried: Carried,
    /// By what it is about.
    pieces: BTreeMap<String, String>,
    notice: Option<Arc<Notice>>,
}

impl Advice {
    /// For a site with these tables; there is none but in development.
    pub(crate) fn new(tables: Vec<&'static str>, development: bool) -> Advice {
        let carried = Carried::new(tables);
        let given = || Mutex::new(Given { carried, pieces: BTreeMap::new(), notice: None });
        Advice { given: development.then(given) }
    }

    /// A page of this route depends on wider groups than what it has read.
    pub(super) fn widened(&self, route: &str, why: &str) {
        if let Some(mut given) = self.given() {
            given.give(route, || {
                format!("{route} is invalidated more often than it need be: {why}")
            });
        }
    }

    /// A page or a fragment was made that is in these groups.
    pub(super) fn carried<'g>(&self, groups: impl IntoIterator<Item = &'g String>) {
        if let Some(mut given) = self.given() {
            groups.into_iter().for_each(|group| given.carried.add(group));
        }
    }

    /// A record invalidates these groups.
    pub(super) fn invalidated(&self, invalidation: &Invalidation) {
        let Some(mut given) = self.given() else { return };
        for group in invalidation.groups.iter().chain(&invalidation.soft_groups) {
            let Some((about, near)) = given.carried.meant(group) else { continue };
            let piece = || {
                format!(
                    "the group `{}` is invalidated, and no page or fragment has been in a group that begins with \
                     `{}` so far; did you mean `{}`?",
                    shown(group),
                    shown(&about),
                    shown(&near)
                )
            };
            given.give(&about, piece);
        }
    }

    /// What pages are to say of it.
    pub(super) fn notice(&self) -> Option<Arc<Notice>> {
        self.given()?.notice.clone()
    }

    /// The site's files were reloaded: what still holds will be found again.
    pub(super) fn forget(&self) {
        if let Some(mut given) = self.given() {
            given.pieces.clear();
            given.notice = None;
        }
    }

    fn given(&self) -> Option<MutexGuard<'_, Given>> {
        Some(self.given.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Given {
    fn give(&mut self, about: &str, piece: impl FnOnce() -> String) {
        if self.pieces.contains_key(about) || self.pieces.len() >= MOST {
            return;
        }
        let piece = piece();
        tracing::warn!("{piece}");
        self.pieces.insert(about.to_owned(), piece);
        let pieces: Vec<String> = self.pieces.values().cloned().collect();
        self.notice = Some(Arc::new(Notice::of_advice(&pieces)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_advice_is_given_once_and_in_development_only() {
        let advice = Advice::new(Vec::new(), true);
        assert!(advice.notice().is_none());
        advice.widened("/tags/{tag}", "300 rows");
        let first = advice.notice().unwrap();
        advice.widened("/tags/{tag}", "301 rows");
        assert!(Arc::ptr_eq(&first, &advice.notice().unwrap()));
        advice.forget();
        assert!(advice.notice().is_none());
        let production = Advice::new(Vec::new(), false);
        production.widened("/tags/{tag}", "300 rows");
        assert!(production.notice().is_none());
    }

    #[test]
    fn advice_does_not_grow_without_bound() {
        let advice = Advice::new(Vec::new(), true);
        (0..1000).for_each(|route| advice.widened(&route.to_string(), "it reads much"));
        assert_eq!(advice.given().unwrap().pieces.len(), MOST);
    }
}
