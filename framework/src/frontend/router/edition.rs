//! What a site's files say, and how it is replaced while the site is served.
//!
//! # Why nothing of an old edition is served after a reload
//!
//! `Editions::publish` does three things, in this order: it puts the new edition in the place of
//! the old one, it has the cache forget everything ([`Cache::forget`](crate::cache::Cache::forget)),
//! which begins a new generation of entries, and it says that it is done. A request takes the
//! generation of the cache first and the edition second, and keeps both to its end.
//!
//! *A request that arrives after the reload was done* finds the new edition, because that was put in
//! place before. In the cache it finds nothing of the old generation, because entries of another
//! generation than the present one are dead. So what remains is content that was made by the old
//! edition and is in the new generation.
//!
//! *There is none in the cache.* A fill is stored only in the generation that its request has taken.
//! A request that has taken the new generation has done so after the cache began it, which was after
//! the new edition was put in place, and has taken the edition only then: so it has the new one. The
//! other order would not do: a request could take the old edition, be overtaken by the whole reload,
//! and then take the new generation for the old edition's page. Nor would it do to forget first:
//! then a request could take the new generation and still find the old edition.
//!
//! *There is none in flight.* A request may have the result of another request's flight. Flights
//! are distinguished by edition as well as by key, so it is the result of its own edition. Without
//! that, a visitor who arrived after the reload could join a flight that began after that, by a
//! request that has taken the old edition long before.
//!
//! A request that arrived before the reload was done may still be answered by the old edition, even
//! with a page that it makes after the reload; the page is not stored. If it has the old generation
//! and the new edition, its page is right and not stored either. With either it may find what the new
//! edition has made meanwhile, and put that together with parts of its own; what is put together is
//! never stored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use http::StatusCode;

use super::super::notice::Notice;
use crate::cache::{Cache, Generation};
use crate::dispatch::{Scope, Table};
use crate::problem::Problems;
use crate::templates::Engine;

/// What a site's files say, as one thing: what is made for a request is made by one edition, whatever
/// is loaded meanwhile.
#[derive(Debug)]
pub(crate) struct Edition {
    /// Tells it from those before it on the same front end.
    pub(in crate::frontend) number: u64,
    /// The dispatch table.
    pub table: Arc<Table>,
    /// The templates.
    pub templates: Engine,
}

impl Edition {
    /// A front end's first edition, until it is published in the place of another.
    pub(crate) fn new(table: Arc<Table>, templates: Engine) -> Edition {
        Edition { number: 1, table, templates }
    }

    /// Whether the error page for this status in this part of the site names the client's session.
    pub(in crate::frontend) fn error_names_session(
        &self,
        scope: Scope,
        status: StatusCode,
    ) -> bool {
        let template = self.table.error_template(scope, status);
        template.is_some_and(|name| self.templates.names_session(name))
    }
}

/// The edition that is served, and the files that were to take its place and could not be loaded.
#[derive(Debug)]
pub(in crate::frontend) struct Editions {
    cache: Arc<Cache>,
    current: ArcSwap<Edition>,
    /// The number of the edition, once nothing of the one before is served.
    published: AtomicU64,
    /// One edition is published at a time.
    publishing: Mutex<()>,
    notice: ArcSwapOption<Notice>,
}

impl Editions {
    /// The first edition. What was made by one that is replaced is forgotten in `cache`.
    pub(super) fn new(first: Edition, cache: Arc<Cache>) -> Editions {
        Editions {
            cache,
            published: AtomicU64::new(first.number),
            current: ArcSwap::from_pointee(first),
            publishing: Mutex::default(),
            notice: ArcSwapOption::empty(),
        }
    }

    /// What a request goes by, taken in the order that the argument asks for. The edition is borrowed,
    /// because all cores would count its owners in one place.
    pub(in crate::frontend) fn take(&self) -> (Generation, Guard<Arc<Edition>>) {
        let generation = self.cache.generation();
        (generation, self.current.load())
    }

    /// Serves `edition` from now on, and forgets all that was made by the one before; returns its
    /// number. When this returns, no request that comes is answered from an earlier one.
    pub(in crate::frontend) fn publish(&self, mut edition: Edition) -> u64 {
        let turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.current.load().number + 1;
        edition.number = number;
        // In the order that the argument asks for.
        self.current.store(Arc::new(edition));
        self.cache.forget();
        self.notice.store(None);
        self.published.store(number, Ordering::Release);
        drop(turn);
        number
    }

    /// The number of the edition that requests are answered from.
    pub(in crate::frontend) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Keeps the edition and says what is wrong with the files that were to take its place.
    pub(in crate::frontend) fn keep(&self, problems: Problems) {
        self.notice.store(Some(Arc::new(Notice::new(problems))));
    }

    /// What is wrong with the files that were to take the edition's place, as pages show it.
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
