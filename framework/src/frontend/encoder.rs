//! Makes the encodings of pages, behind the backs of visitors.
//!
//! One thread does all of it, one page after the other, below the priority of what answers
//! requests. Pages wait for it in a queue; when that is full, the page stays as it is, and a later
//! hit asks again. So a front end that has many pages to make is not slowed down by compressing
//! them, and nothing grows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use http::header::{self, HeaderMap, HeaderValue};

use super::prepare;
use crate::cache::{Cache, Encoded, Entry, Page};
use crate::http::Coding;
use crate::http::encoding::encode;

/// How many pages may wait.
const WAITING: usize = 512;

/// What an encoding must save of the bytes that are sent: a sixteenth. For less no client should
/// have to decode, and no memory is given.
const SAVED: usize = 16;

/// The way to the thread that encodes. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Encoder {
    queue: Option<SyncSender<Arc<Entry>>>,
}

impl Encoder {
    /// Encodes what is in `cache` in these codings.
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

    /// Has the encodings of an entry's page made, if there ought to be some and nobody makes them.
    pub(super) fn ask(&self, entry: &Arc<Entry>, page: &Page) {
        if let Some(queue) = &self.queue
            && page.encodings.claim()
            && queue.try_send(Arc::clone(entry)).is_err()
        {
            page.encodings.give_back();
        }
    }
}

fn run(waiting: &Receiver<Arc<Entry>>, cache: &Cache, codings: &[Coding]) {
    // On Linux it is the thread that gets nicer, elsewhere it would be all of the process. Without
    // it the thread works all the same.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
    while let Ok(entry) = waiting.recv() {
        // What has become wrong meanwhile need not be encoded any more.
        if let Some(page) = entry.page().filter(|_| cache.is_valid(&entry)) {
            cache.put_encodings(&entry, encodings(page, codings));
        }
    }
}

/// How much nicer than others, of 19.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The encodings of a page that are worth having, the shortest first.
fn encodings(page: &Page, codings: &[Coding]) -> Vec<Encoded> {
    let Some(content) = page.body.whole() else { return Vec::new() };
    let longest = content.len() - content.len() / SAVED;
    let mut made = Vec::new();
    for coding in codings {
        match encode(*coding, &content) {
            Ok(mut body) if body.len() <= longest => {
                body.shrink_to_fit();
                let headers = headers(&page.headers, *coding, body.len());
                made.push(Encoded { coding: *coding, headers, body: body.into() });
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, coding = coding.name(), "a page is not encoded"),
        }
    }
    made.sort_by_key(|encoded| encoded.body.len());
    made
}

/// The headers of a page in a coding.
fn headers(identity: &HeaderMap, coding: Coding, length: usize) -> HeaderMap {
    let mut headers = identity.clone();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(name) = coding.content_encoding() {
        headers.insert(header::CONTENT_ENCODING, name);
    }
    match identity.get(header::ETAG).and_then(|tag| prepare::tag_of(tag, coding)) {
        Some(tag) => headers.insert(header::ETAG, tag),
        None => headers.remove(header::ETAG),
    };
    headers
}
