//! Encodes pages in the background.
//!
//! One thread does all of it, one page after the other, at a lower priority than the threads that answer requests.
//! Pages wait for it in a bounded queue; if that is full, the page remains unencoded, and a later hit requests the
//! encoding again. So a front end that makes many pages is not slowed down by compression, and its memory use stays
//! bounded.
//!
//! A page with parts cannot have a stored encoding. Its pieces are deflated instead; those of a page that is a part
//! are deflated when it is inserted into another one for a client that accepts gzip; see [`gzip`](crate::http::gzip).

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};

use crate::cache::{Cache, Derived, Encoded, Entry, Page};
use crate::http::Coding;
use crate::http::encoding::encode;
use crate::http::gzip::Deflated;
use crate::pieces::Piece;

/// The length of the queue.
const WAITING: usize = 512;

/// The fraction of the bytes that an encoding must save: a sixteenth. For less it is worth neither the client's
/// decoding nor the memory.
const SAVED: usize = 16;

/// The shortest piece to deflate, in bytes. Shorter pieces would save little and are inserted into the stream
/// unencoded.
pub(in crate::frontend) const SHORTEST_PIECE: usize = 200;

/// The handle of the encoding thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Encoder {
    queue: Option<SyncSender<EncodeJob>>,
}

/// A job of the encoder. The reference is weak, so that the queue does not keep evicted entries in memory.
type EncodeJob = (Derived, Weak<Entry>);

impl Encoder {
    /// Starts the encoder for the pages in `cache`, with these codings.
    pub(super) fn new(cache: Arc<Cache>, codings: Vec<Coding>) -> Encoder {
        if codings.is_empty() {
            return Encoder { queue: None };
        }
        let (queue, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("headwater-encoder".to_owned());
        let started = thread.spawn(move || run(&waiting, &cache, &codings));
        if let Err(error) = &started {
            tracing::error!(%error, "no thread can be started, so pages are not encoded");
        }
        Encoder { queue: started.ok().map(|_| queue) }
    }

    /// Requests the representations of an entry's page: its encodings, or its deflated pieces if it has parts.
    /// Existing ones, and those that are being made, are not made again.
    pub(super) fn ask(&self, entry: &Arc<Entry>, page: &Page) {
        match page.body.has_parts() && page.header_template.encoded_template().is_some() {
            true => self.ask_for_pieces(entry, page),
            false => self.order(entry, page, Derived::Encodings),
        }
    }

    /// Requests the deflated pieces of an entry's page, for insertion into another page.
    pub(super) fn ask_for_pieces(&self, entry: &Arc<Entry>, page: &Page) {
        self.order(entry, page, Derived::Pieces);
    }

    fn order(&self, entry: &Arc<Entry>, page: &Page, derived: Derived) {
        if let Some(queue) = &self.queue
            && page.later.claim(derived)
            && queue.try_send((derived, Arc::downgrade(entry))).is_err()
        {
            page.later.want(derived);
        }
    }
}

fn run(waiting: &Receiver<EncodeJob>, cache: &Cache, codings: &[Coding]) {
    // On Linux this changes the priority of the thread, elsewhere that of the whole process. The thread works without
    // it, too.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
    while let Ok((derived, entry)) = waiting.recv() {
        let Some(entry) = entry.upgrade() else { continue };
        // A page that has been invalidated meanwhile need not be encoded.
        let Some(page) = entry.page().filter(|_| cache.is_valid(&entry)) else { continue };
        match derived {
            Derived::Encodings => cache.put_encodings(&entry, encodings(page, codings)),
            Derived::Pieces => cache.put_deflated(&entry, deflated(page)),
        }
    }
}

/// The thread's niceness; the largest is 19.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Returns the encodings of a page that save enough, the shortest first.
fn encodings(page: &Page, codings: &[Coding]) -> Vec<Encoded> {
    let Some(content) = page.body.whole() else { return Vec::new() };
    let longest = content.len() - content.len() / SAVED;
    let mut made = Vec::new();
    for coding in codings {
        match encode(*coding, &content) {
            Ok(mut body) if body.len() <= longest => {
                body.shrink_to_fit();
                made.push(Encoded { coding: *coding, body: body.into() });
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, coding = coding.name(), "a page is not encoded"),
        }
    }
    made.sort_by_key(|encoded| encoded.body.len());
    made
}

/// Returns the pieces of a page, deflated if they are long enough.
fn deflated(page: &Page) -> Vec<Option<Deflated>> {
    let deflate = |piece: &Piece| match piece {
        Piece::Bytes(bytes) if bytes.len() >= SHORTEST_PIECE => Deflated::of(bytes),
        Piece::Bytes(_) | Piece::Part(_) => None,
    };
    page.body.iter().map(deflate).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::*;
    use crate::cache::{
        CacheLimits, EntryContent, Fill, Filled, Freshness, HeaderSpec, HeaderTemplate, Key,
        LogOrigin, Lookup, TagSource,
    };
    use crate::clock;
    use crate::http::encoding::MADE;
    use crate::log::{Invalidation, LogEpoch, Position};
    use crate::pieces::{Part, Pieces};
    use bytes::Bytes;

    const LOG: LogEpoch = LogEpoch::first_of(1);

    fn cache() -> Arc<Cache> {
        let limits =
            CacheLimits { bytes: 1 << 20, persistent_bytes: 1 << 20, groups: 4, patterns: 4 };
        let cache = Cache::new(limits);
        cache.follow(LOG, Position::START);
        cache.renew(clock::now(), Duration::from_secs(3600));
        Arc::new(cache)
    }

    fn fill(cache: &Cache, id: &str, content: Vec<u8>) -> Arc<Entry> {
        let page = page(Bytes::from(content).into());
        page.later.want(Derived::Encodings);
        fill_with(cache, id, page)
    }

    fn page(content: Pieces) -> Page {
        page_of(HeaderSpec { tag: TagSource::OfBytes, ..HeaderSpec::default() }, content)
    }

    fn page_of(spec: HeaderSpec, content: Pieces) -> Page {
        Page::new(Arc::new(HeaderTemplate::new(spec)), content, SystemTime::now())
    }

    fn fill_with(cache: &Cache, id: &str, page: Page) -> Arc<Entry> {
        let filled = cache.fill(Fill {
            key: Key::of_id(id.to_owned()),
            generation: cache.generation(),
            origin: LogOrigin { log: LOG, as_of: Position::START },
            groups: &[],
            freshness: Freshness {
                lifetime: None,
                stale_while_revalidate: Duration::ZERO,
                stale_if_error: Duration::ZERO,
                persistent: false,
                timed: false,
            },
            contains: Box::default(),
            content: EntryContent::Page(page),
            now: clock::now(),
        });
        match filled {
            Filled::Stored(entry) => entry,
            other => panic!("not stored: {other:?}"),
        }
    }

    fn text() -> Vec<u8> {
        "<li>The river is high.</li>\n".repeat(200).into_bytes()
    }

    fn wait_for(made: impl Fn() -> usize) {
        let start = Instant::now();
        while made() == 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing was made");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the cache uses at least this many bytes.
    fn wait_for_bytes(cache: &Cache, bytes: u64) {
        let start = Instant::now();
        while {
            cache.sweep(clock::now());
            cache.usage().bytes < bytes
        } {
            assert!(start.elapsed() < Duration::from_secs(60), "the entry is not heavier");
        }
    }

    #[test]
    fn encodings_are_made_once_and_weighed_with_the_entry() {
        let cache = cache();
        let entry = fill(&cache, "/a", text());
        cache.sweep(clock::now());
        let before = cache.usage().bytes;
        let encoder = Encoder::new(Arc::clone(&cache), MADE.to_vec());
        let page = entry.page().unwrap();
        (0..3).for_each(|_| encoder.ask(&entry, page));
        wait_for(|| page.later.encodings().len());
        let made = page.later.encodings();
        assert_eq!(made.len(), MADE.len());
        assert!(made.is_sorted_by_key(|encoded| encoded.body.len()), "the shortest first");
        let lengths = made.iter().map(|made| made.body.len() as u64);
        wait_for_bytes(&cache, before + lengths.sum::<u64>());
        assert!(!page.later.claim(Derived::Encodings), "they are not made again");
    }

    #[test]
    fn the_pieces_of_a_page_with_parts_are_deflated_and_weighed_with_the_entry() {
        let cache = cache();
        let short = Bytes::from(vec![b'a'; SHORTEST_PIECE - 1]);
        let mut content = Pieces::from(Bytes::from(text()));
        content.push_part(Part::new("/badge", Bytes::new()));
        content.push_bytes(short);
        content.push_bytes(Bytes::from(text()));
        let spec =
            HeaderSpec { tag: TagSource::OfParts, may_be_encoded: true, ..HeaderSpec::default() };
        let frame = fill_with(&cache, "/a", page_of(spec, content));
        let part = fill_with(&cache, "/b", page(Bytes::from(text()).into()));
        cache.sweep(clock::now());
        let before = cache.usage().bytes;
        let encoder = Encoder::new(Arc::clone(&cache), vec![Coding::Gzip]);
        let (frame, part) = ((&frame, frame.page().unwrap()), (&part, part.page().unwrap()));
        encoder.ask(part.0, part.1);
        (0..3).for_each(|_| encoder.ask(frame.0, frame.1));
        wait_for(|| frame.1.later.pieces().len());
        let made = frame.1.later.pieces();
        let is_deflated: Vec<bool> = made.iter().map(Option::is_some).collect();
        assert_eq!(is_deflated, [true, false, false, true]);
        let size: usize = made.iter().flatten().map(Deflated::size).sum();
        wait_for_bytes(&cache, before + size as u64);
        assert!(frame.1.later.encodings().is_empty() && !frame.1.later.claim(Derived::Pieces));
        assert!(part.1.later.wants(Derived::Pieces), "it is in no page yet");
        encoder.ask_for_pieces(part.0, part.1);
        wait_for(|| part.1.later.pieces().len());
        assert!(part.1.later.pieces()[0].is_some());
    }

    #[test]
    fn encodings_do_not_restore_a_removed_entry() {
        let cache = cache();
        let old = fill(&cache, "/a", text());
        let new = fill(&cache, "/a", text());
        cache.put_encodings(&old, Vec::new());
        let found = || match cache.lookup(&Key::of_id("/a"), false, clock::now()) {
            Lookup::Hit(entry) => Some(entry),
            _ => None,
        };
        assert!(found().is_some_and(|entry| Arc::ptr_eq(&entry, &new)));
        cache.remove(&Key::of_id("/a"));
        cache.put_encodings(&new, Vec::new());
        assert!(found().is_none());
    }

    #[test]
    fn a_page_invalidated_in_the_queue_is_not_encoded() {
        let cache = cache();
        let (wrong, right) = (fill(&cache, "/a", text()), fill(&cache, "/b", text()));
        let invalidation = Invalidation::new().pattern("^/a$");
        cache.apply([(Position(1), &invalidation)], Position(1), clock::now());
        let encoder = Encoder::new(Arc::clone(&cache), vec![Coding::Gzip]);
        for entry in [&wrong, &right] {
            encoder.ask(entry, entry.page().unwrap());
        }
        wait_for(|| right.page().unwrap().later.encodings().len());
        assert!(wrong.page().unwrap().later.encodings().is_empty());
    }

    #[test]
    fn when_the_queue_is_full_a_later_hit_asks_again() {
        let cache = cache();
        let (queue, waiting) = sync_channel(1);
        let encoder = Encoder { queue: Some(queue) };
        let (first, second) = (fill(&cache, "/a", text()), fill(&cache, "/b", text()));
        encoder.ask(&first, first.page().unwrap());
        encoder.ask(&second, second.page().unwrap());
        let next = || match waiting.try_recv() {
            Ok((_, entry)) => Some(entry),
            Err(_) => None,
        };
        assert!(std::ptr::eq(next().unwrap().as_ptr(), &*first));
        assert!(next().is_none(), "there was no room");
        encoder.ask(&second, second.page().unwrap());
        assert!(std::ptr::eq(next().unwrap().as_ptr(), &*second));
        encoder.ask(&second, second.page().unwrap());
        assert!(next().is_none(), "it is in the making");
    }

    #[test]
    fn an_encoding_that_saves_little_is_discarded() {
        let page = |content: Vec<u8>| page(Bytes::from(content).into());
        let noise: Vec<u8> = (0..4096).map(|_| rand::random()).collect();
        assert!(encodings(&page(noise), &[Coding::Gzip, Coding::Zstd]).is_empty());
        assert_eq!(encodings(&page(text()), &[Coding::Gzip]).len(), 1);
    }
}
