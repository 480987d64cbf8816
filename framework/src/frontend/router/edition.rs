//! A site's loaded files, and how they are replaced while the site is served.
//!
//! # Why no content of an old edition is served after a reload
//!
//! `Editions::publish` does three things, in this order: it stores the new edition in place of the old one; it clears
//! the cache ([`Cache::forget`](crate::cache::Cache::forget)), which begins a new generation of entries; and it
//! reports completion. A request takes the generation of the cache first and the edition second, and keeps both to its
//! end.
//!
//! *A request that arrives after the completed reload* gets the new edition, because that was stored before. In the
//! cache it finds nothing of the old generation, because entries of any generation but the present one are dead. The
//! remaining case is content that was made with the old edition and is in the new generation.
//!
//! *The cache contains no such content.* A fill is stored only in the generation that its request has taken. A request
//! that has taken the new generation did so after the cache began it, hence after the new edition was stored, and took
//! the edition only then: so it has the new one. The opposite order would be wrong: a request could take the old
//! edition, be overtaken by the whole reload, and then take the new generation for the old edition's page. Clearing
//! the cache before storing the edition would be wrong as well: a request could take the new generation and still get
//! the old edition.
//!
//! *No flight produces such content.* A request may share the result of another request's flight. Flights are
//! distinguished by edition as well as by key, so the result is of the request's own edition. Without that, a visitor
//! who arrived after the reload could join a flight that began after it, by a request that had taken the old edition
//! long before.
//!
//! A request that arrived before the reload was complete may still be answered with the old edition, even with a page
//! that it makes after the reload; the page is not stored. If it has the old generation and the new edition, its page
//! is correct, and not stored either. In both cases it may find content of the new edition in the cache and combine it
//! with its own content; the combination is never stored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use http::StatusCode;

use super::super::notice::Notice;
use crate::cache::{Cache, Generation};
use crate::dispatch::{Scope, Table};
use crate::problem::Problems;
use crate::templates::Engine;

/// A site's loaded files as a unit: a request is answered with one edition, whatever is loaded meanwhile.
#[derive(Debug)]
pub(crate) struct Edition {
    /// Distinguishes it from earlier editions on the same front end.
    pub(in crate::frontend) number: u64,
    /// The dispatch table.
    pub table: Arc<Table>,
    /// The templates.
    pub templates: Engine,
}

impl Edition {
    /// Creates a front end's first edition. Publishing it in place of another changes its number.
    pub(crate) fn new(table: Arc<Table>, templates: Engine) -> Edition {
        Edition { number: 1, table, templates }
    }

    /// Returns whether the error page for this status in this part of the site names the client's session.
    pub(in crate::frontend) fn error_names_session(
        &self,
        scope: Scope,
        status: StatusCode,
    ) -> bool {
        let template = self.table.error_template(scope, status);
        template.is_some_and(|name| self.templates.names_session(name))
    }
}

/// The edition that is served, and the problems of newer files that could not be loaded.
#[derive(Debug)]
pub(in crate::frontend) struct Editions {
    cache: Arc<Cache>,
    current: ArcSwap<Edition>,
    /// The number of the edition, once no content of the one before is served.
    published: AtomicU64,
    /// Held while an edition is published.
    publishing: Mutex<()>,
    notice: ArcSwapOption<Notice>,
}

impl Editions {
    /// Starts with the first edition. Content of a replaced edition is removed from `cache`.
    pub(super) fn new(first: Edition, cache: Arc<Cache>) -> Editions {
        Editions {
            cache,
            published: AtomicU64::new(first.number),
            current: ArcSwap::from_pointee(first),
            publishing: Mutex::default(),
            notice: ArcSwapOption::empty(),
        }
    }

    /// Returns the generation and the edition for a request, taken in the order that the argument requires. The
    /// edition is borrowed, because with a shared reference all cores would write to one reference count.
    pub(in crate::frontend) fn take(&self) -> (Generation, Guard<Arc<Edition>>) {
        let generation = self.cache.generation();
        (generation, self.current.load())
    }

    /// Serves `edition` from now on, and removes all content of the one before from the cache; returns its number.
    /// After this returns, no new request is answered from an earlier edition.
    pub(in crate::frontend) fn publish(&self, mut edition: Edition) -> u64 {
        let turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.current.load().number + 1;
        edition.number = number;
        // In the order that the argument requires.
        self.current.store(Arc::new(edition));
        self.cache.forget();
        self.notice.store(None);
        self.published.store(number, Ordering::Release);
        drop(turn);
        number
    }

    /// Returns the number of the edition that requests are answered from.
    pub(in crate::frontend) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Keeps the current edition and stores the problems of the files that should have replaced it.
    pub(in crate::frontend) fn keep(&self, problems: Problems) {
        self.notice.store(Some(Arc::new(Notice::new(problems))));
    }

    /// Returns the problems of files that should have replaced the edition, as pages show them.
    pub(in crate::frontend) fn notice(&self) -> Option<Arc<Notice>> {
        self.notice.load_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheLimits;
    use crate::log::{LogEpoch, Position};
    use crate::templates::EngineOptions;

    #[test]
    fn no_request_takes_an_old_edition_with_a_new_generation() {
        const EDITIONS: u64 = 1000;
        let limits =
            CacheLimits { bytes: 1 << 10, persistent_bytes: 1 << 10, groups: 1, patterns: 1 };
        let cache = Cache::new(limits);
        cache.follow(LogEpoch::first_of(1), Position::START);
        let table = Arc::new(Table::parse("", "dispatch.conf").unwrap());
        let templates = Engine::empty(&EngineOptions::default());
        let edition = || Edition::new(Arc::clone(&table), templates.clone());
        let cache = Arc::new(cache);
        let editions = Editions::new(edition(), Arc::clone(&cache));
        let begin = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let publisher = scope.spawn(|| {
                begin.wait();
                let mut generations = vec![cache.generation()];
                for _ in 1..EDITIONS {
                    editions.publish(edition());
                    generations.push(cache.generation());
                }
                generations
            });
            begin.wait();
            let mut taken: Vec<(Generation, u64)> = Vec::new();
            while !publisher.is_finished() {
                let (generation, edition) = editions.take();
                // The first edition has the number 1.
                let one = (generation, edition.number - 1);
                if taken.last() != Some(&one) {
                    taken.push(one);
                }
            }
            let generations = publisher.join().unwrap();
            for (generation, number) in taken {
                let begun_by = generations.iter().position(|known| *known == generation).unwrap();
                assert!(number >= begun_by as u64, "the generation of edition {begun_by}");
            }
        });
    }
}
