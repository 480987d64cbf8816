//! The cache as the source and destination of a template's fragments.
//!
//! # The law for pages with fragments
//!
//! A page with fragments is content like any other, with an `as_of`, groups and an id. It may be served as long as no
//! record after its `as_of` invalidates it *or anything in it*. Therefore:
//!
//! - It is in all groups of its fragments, and the patterns that match one of their ids match the page too
//!   ([`Rendered`](crate::templates::Rendered) contains both, for hits as for misses).
//! - Its `as_of` is the least of its own and those under which its fragments are valid ([`Cache::fragment`]). A later
//!   record that invalidates a fragment then invalidates the page, whether it was applied here before the page was
//!   stored or arrives afterwards.
//!
//! The same holds for the fragments that were evaluated in this render. They get the page's `as_of`, which may be
//! somewhat older than necessary but is correct, whatever they contain. They are stored after the render has
//! succeeded, when the `as_of` is known.
//!
//! If the back end's answer and a fragment belong to different logs, their positions cannot be compared: then neither
//! page nor fragments are stored.
//!
//! # Keys
//!
//! The properties that distinguish a page from others with the same id (its variant, the values of the headers in
//! `vary`) distinguish its fragments as well: an English page never gets the fragment of a German one. The
//! rows and request values that its body names are in its key too (`templates/fragments/dependence.rs`); all other
//! dependencies belong in its id. A visitor for whom the variant function returns `no` gets no fragments
//! from the cache and stores none.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::advice::Advice;
use super::super::settings::Settings;
use crate::cache::{Cache, EntryContent, Fill, Freshness, Generation, Key, LogOrigin};
use crate::clock::{self, Moment};
use crate::dispatch::Audited;
use crate::pieces::{Fragment, Part, Pieces};
use crate::templates::{FragmentFill, FragmentKey, FragmentType, Fragments};

/// The fragments of one render.
pub(super) struct CachedFragments {
    cache: Arc<Cache>,
    advice: Arc<Advice>,
    /// The key of the content being rendered.
    within: Key<'static>,
    lifetime: Duration,
    /// The longest fragment to store, in bytes.
    largest: u64,
    /// The generation of the cache when the content was begun, and the time.
    generation: Generation,
    begun: Moment,
    /// The time at which the render began, after the request was read.
    now: Moment,
    as_of: Cell<Option<LogOrigin>>,
    found: Cell<u64>,
    missed: Cell<u64>,
}

impl CachedFragments {
    /// Creates the fragments for content with the key `within` and from `origin`, begun in this generation at this
    /// time.
    pub(super) fn new(
        (cache, advice): (&Arc<Cache>, &Arc<Advice>),
        settings: &Settings,
        within: &Key<'_>,
        (generation, begun): (Generation, Moment),
        origin: Option<LogOrigin>,
    ) -> Rc<CachedFragments> {
        Rc::new(CachedFragments {
            cache: Arc::clone(cache),
            advice: Arc::clone(advice),
            within: within.clone().into_owned(),
            lifetime: settings.lifetime,
            largest: settings.largest_entry,
            generation,
            begun,
            now: clock::now(),
            as_of: Cell::new(origin),
            found: Cell::new(0),
            missed: Cell::new(0),
        })
    }

    /// Returns the oldest origin of the page and the fragments found; `None` if it is unknown.
    pub(super) fn origin(&self) -> Option<LogOrigin> {
        self.as_of.get()
    }

    /// Returns the number of fragments found.
    pub(super) fn found(&self) -> u64 {
        self.found.get()
    }

    /// Returns the number of fragments not found.
    pub(super) fn missed(&self) -> u64 {
        self.missed.get()
    }
}

impl Fragments for CachedFragments {
    fn find(&self, key: &FragmentKey, kind: FragmentType) -> Option<Arc<Fragment>> {
        let key = Key::of_fragment(&key.id, key.escaped, key.values, &self.within);
        let persistent = kind == FragmentType::Persistent;
        let found = self.cache.fragment(&key, self.generation, persistent, self.now);
        let counter = if found.is_some() { &self.found } else { &self.missed };
        counter.set(counter.get() + 1);
        let (fragment, from) = found?;
        let own = self.as_of.get().filter(|own| own.log == from.log);
        self.as_of.set(own.map(|own| LogOrigin { as_of: own.as_of.min(from.as_of), ..own }));
        Some(fragment)
    }

    fn keep(&self, fill: FragmentFill) {
        let FragmentFill { key, kind, fragment } = fill;
        let Some(origin) = self.as_of.get() else { return };
        if fragment.content.len() as u64 > self.largest {
            return;
        }
        let lifetime = match kind {
            FragmentType::Normal => Some(self.lifetime),
            FragmentType::Timeout(lifetime) => Some(lifetime),
            FragmentType::Persistent => None,
        };
        let (named, recorded) = (fragment.groups.iter(), fragment.recorded.iter());
        let groups = named.map(|group| group.to_string());
        let groups = groups.chain(recorded.map(|group| group.to_string())).collect::<Vec<_>>();
        self.advice.add_groups(&groups);
        // A fragment that has become stale meanwhile is not stored, and no other request waits for it.
        self.cache.fill(Fill {
            key: Key::of_fragment(&key.id, key.escaped, key.values, &self.within),
            generation: self.generation,
            origin,
            groups: &groups,
            freshness: Freshness {
                lifetime,
                stale_while_revalidate: Duration::ZERO,
                stale_if_error: Duration::ZERO,
                persistent: kind == FragmentType::Persistent,
                timed: matches!(kind, FragmentType::Timeout(_)),
            },
            contains: fragment.contains.clone(),
            content: EntryContent::Fragment(fragment),
            now: self.begun,
        });
    }
}

/// The fragments of a page that is made for comparison with a cached one: each is evaluated, and none is stored. One
/// that may be old for a time is replaced by a part, unless all are audited.
pub(super) struct AuditedFragments(pub(super) Audited);

/// The URL of the part that replaces an unaudited fragment. No site can use this URL.
pub(in crate::frontend) const UNAUDITED: &str = "\n";

impl Fragments for AuditedFragments {
    fn find(&self, _key: &FragmentKey, kind: FragmentType) -> Option<Arc<Fragment>> {
        let is_audited = self.0 == Audited::All || !matches!(kind, FragmentType::Timeout(_));
        if is_audited {
            return None;
        }
        let mut content = Pieces::new();
        content.push_part(Part::new(UNAUDITED, Bytes::new()));
        Some(Arc::new(Fragment { content, ..Fragment::default() }))
    }

    fn keep(&self, _fill: FragmentFill) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{CacheLimits, KeyBuilder};
    use crate::log::{Invalidation, LogEpoch, Position};

    const LOG: LogEpoch = LogEpoch::first_of(1);

    fn cache() -> Arc<Cache> {
        let limits =
            CacheLimits { bytes: 1 << 20, persistent_bytes: 1 << 20, groups: 9, patterns: 9 };
        let cache = Cache::new(limits);
        cache.follow(LOG, Position::START);
        cache.renew(clock::now(), Duration::from_secs(3600));
        Arc::new(cache)
    }

    /// A render of content with this `as_of`.
    fn render(cache: &Arc<Cache>, log: LogEpoch, as_of: u64) -> CachedFragments {
        CachedFragments {
            cache: Arc::clone(cache),
            advice: Arc::new(Advice::new(Vec::new(), false)),
            within: KeyBuilder::new("/a").depends_on("", "de").build(),
            lifetime: Duration::from_secs(600),
            largest: 1 << 20,
            generation: cache.generation(),
            begun: clock::now(),
            now: clock::now(),
            as_of: Cell::new(Some(LogOrigin { log, as_of: Position(as_of) })),
            found: Cell::new(0),
            missed: Cell::new(0),
        }
    }

    fn key(id: &str) -> FragmentKey {
        FragmentKey { id: id.to_owned(), escaped: true, values: None }
    }

    fn keep(render: &CachedFragments, id: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| Box::from(*group)).collect();
        let fragment = Arc::new(Fragment { groups, ..Fragment::default() });
        render.keep(FragmentFill { key: key(id), kind: FragmentType::Normal, fragment });
    }

    fn finds(cache: &Arc<Cache>, id: &str) -> bool {
        render(cache, LOG, 0).find(&key(id), FragmentType::Normal).is_some()
    }

    fn apply(cache: &Cache, position: u64, group: &str) {
        let invalidation = Invalidation::new().group(group);
        cache.apply([(Position(position), &invalidation)], Position(position), clock::now());
    }

    #[test]
    fn content_is_as_old_as_its_oldest_fragment() {
        let cache = cache();
        keep(&render(&cache, LOG, 0), "fragment:a", &["news"]);
        let plain = FragmentKey { escaped: false, ..key("fragment:a") };
        assert!(render(&cache, LOG, 0).find(&plain, FragmentType::Normal).is_none());
        apply(&cache, 5, "others");
        // The back end has applied more of the log than this front end.
        let render = render(&cache, LOG, 9);
        assert_eq!(render.origin().unwrap().as_of, Position(9));
        assert!(render.find(&key("fragment:a"), FragmentType::Normal).is_some());
        assert_eq!(render.origin().unwrap().as_of, Position(5));
        // Content with the stale fragment is stale as well, although the back end had applied the record.
        apply(&cache, 7, "news");
        keep(&render, "fragment:b", &["news"]);
        assert!(!finds(&cache, "fragment:b"));
        keep(&render, "fragment:c", &["others"]);
        assert!(finds(&cache, "fragment:c"));
    }

    #[test]
    fn content_of_different_logs_is_not_stored() {
        let cache = cache();
        keep(&render(&cache, LOG, 0), "fragment:a", &[]);
        let other = render(&cache, LogEpoch::first_of(2), 9);
        assert!(other.find(&key("fragment:a"), FragmentType::Normal).is_some());
        assert_eq!(other.origin(), None);
        keep(&other, "fragment:b", &[]);
        assert!(!finds(&cache, "fragment:b"));
    }
}
