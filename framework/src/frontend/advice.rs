use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::group_words::GroupWords;
use super::notice::Notice;
use crate::log::Invalidation;
use crate::shown::shown;

/// The largest number of pieces of advice.
const MOST: usize = 100;

/// Advice for a site's author, in development, about probable mistakes that are not errors: each piece appears once in
/// the log, and at the end of every page, until the site's files are reloaded. In production nothing is recorded or
/// shown.
#[derive(Debug)]
pub(crate) struct Advice {
    /// `None` in production.
    given: Option<Mutex<Given>>,
}

#[derive(Debug)]
struct Given {
    /// The groups of all entries so far.
    group_words: GroupWords,
    /// The pieces, by their subject.
    pieces: BTreeMap<String, String>,
    notice: Option<Arc<Notice>>,
}

impl Advice {
    /// Creates the advice for a site with these tables; it is empty except in development.
    pub(crate) fn new(tables: Vec<&'static str>, development: bool) -> Advice {
        let group_words = GroupWords::new(tables);
        let given = || Mutex::new(Given { group_words, pieces: BTreeMap::new(), notice: None });
        Advice { given: development.then(given) }
    }

    /// Advises that a page of this route is in wider groups than those of the data that it has read.
    pub(super) fn widened(&self, route: &str, why: &str) {
        if let Some(mut given) = self.given() {
            given
                .give(route, || format!("{route} is invalidated more often than necessary: {why}"));
        }
    }

    /// Records the groups of a page or fragment that was made.
    pub(super) fn add_groups<'g>(&self, groups: impl IntoIterator<Item = &'g String>) {
        if let Some(mut given) = self.given() {
            groups.into_iter().for_each(|group| given.group_words.add(group));
        }
    }

    /// Advises on groups that a record invalidates and no entry has been in.
    pub(super) fn invalidated(&self, invalidation: &Invalidation) {
        let Some(mut given) = self.given() else { return };
        for group in invalidation.groups.iter().chain(&invalidation.soft_groups) {
            let Some((about, near)) = given.group_words.suggestion(group) else { continue };
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

    /// Returns the notice that pages display.
    pub(super) fn notice(&self) -> Option<Arc<Notice>> {
        self.given()?.notice.clone()
    }

    /// Clears the advice after a reload of the site's files. Problems that remain are found again.
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

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

    fn groups(groups: &[&str]) -> Vec<String> {
        groups.iter().map(|group| group.to_string()).collect()
    }

    /// Returns the advice for a site with pages in groups of stories and authors.
    fn with_pages() -> Advice {
        let advice = Advice::new(Vec::new(), true);
        advice.add_groups(&groups(&["story:rain", "author:ada"]));
        advice
    }

    fn pieces(advice: &Advice) -> Vec<String> {
        advice.given().unwrap().pieces.values().cloned().collect()
    }

    #[test]
    fn each_misspelled_word_is_reported_once() {
        let advice = with_pages();
        let [first, again] = [["storys:rain", "news"], ["news", "storys:snow"]];
        advice.invalidated(&Invalidation { groups: groups(&first), ..Invalidation::new() });
        advice.invalidated(&Invalidation { groups: groups(&again), ..Invalidation::new() });
        let said = "the group `storys:rain` is invalidated, and no page or fragment has been in a group that begins with \
                    `storys:` so far; did you mean `story:`?";
        assert_eq!(pieces(&advice), [said]);
        let soft_groups = groups(&["news", "auther:ada"]);
        advice.invalidated(&Invalidation { soft_groups, ..Invalidation::new() });
        assert_eq!(pieces(&advice).len(), 2);
    }

    #[test]
    fn advice_that_still_applies_after_a_reload_is_given_again() {
        let advice = with_pages();
        for _ in 0..2 {
            advice.invalidated(&Invalidation {
                groups: groups(&["storys:rain"]),
                ..Invalidation::new()
            });
            assert!(advice.notice().is_some());
            advice.forget();
            assert!(advice.notice().is_none() && pieces(&advice).is_empty());
        }
    }

    struct Warnings(Arc<AtomicUsize>);

    impl<S: tracing::Subscriber> Layer<S> for Warnings {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            if *event.metadata().level() == tracing::Level::WARN {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn each_piece_is_logged_once() {
        let count = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Warnings(Arc::clone(&count)));
        tracing::subscriber::with_default(subscriber, || {
            let advice = Advice::new(Vec::new(), true);
            // A thread of another test, without a subscriber, may have registered the call site first.
            advice.widened("/first", "300 rows");
            tracing::callsite::rebuild_interest_cache();
            count.store(0, Ordering::Relaxed);
            for route in ["/a", "/b", "/a"] {
                advice.widened(route, "300 rows");
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn advice_does_not_grow_without_bound() {
        let advice = Advice::new(Vec::new(), true);
        (0..1000).for_each(|route| advice.widened(&route.to_string(), "it reads much"));
        assert_eq!(advice.given().unwrap().pieces.len(), MOST);
    }
}
