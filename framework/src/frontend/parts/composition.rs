//! Putting content together: what is in the cache at once, the rest side by side.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use tokio::time::{Instant, timeout_at};

use super::super::counters::Event;
use super::super::encoder::SHORTEST_PIECE;
use super::super::page::Found;
use super::super::respond::Aging;
use super::super::served::page_of;
use super::super::variant::VariantKind;
use super::super::{FrontEnd, Visit, is_page};
use super::address::{Address, Canonical};
use super::chain::Chain;
use super::content::Content;
use super::failing::{Cause, Failing};
use super::frame::Frame;
use super::insertion::Insertion;
use super::request::PartRequest;
use super::sharing::{Policy, Sharing};
use super::tag::Tag;
use super::whole::Whole;
use super::{MOST_BYTES, MOST_PARTS, Recipient};
use crate::body::Body;
use crate::cache::{Derived, Entry, Page};
use crate::clock::{self, Moment};
use crate::dispatch::Resolution;
use crate::http::gzip::Deflated;
use crate::pieces::{Part, Piece, Pieces};

/// The putting together of one response.
pub(super) struct Composition<'a> {
    frontend: &'a Arc<FrontEnd>,
    recipient: Recipient<'a>,
    page: &'a Frame<'a>,
    failing: Failing,
    /// When the last part has to be there, once one is waited for.
    until: OnceLock<Instant>,
    parts: AtomicUsize,
    bytes: AtomicUsize,
}

/// Content that is put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) pieces: &'a Pieces,
    /// Of each piece its deflated form, once they have been made.
    pub(super) deflated: &'a [Option<Deflated>],
    /// What the pieces are known by.
    pub(super) digest: u128,
    pub(super) insertion: Insertion,
}

/// The place of a part in content that is put in like this.
#[derive(Clone, Copy)]
struct Slot<'a> {
    part: &'a Part,
    insertion: Insertion,
}

/// What was put together, or is so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) whole: Whole,
    /// Whose pieces are still to be deflated.
    pub(super) undeflated: Vec<Arc<Entry>>,
    pub(super) tag: Tag,
    pub(super) sharing: Sharing,
    pub(super) aging: Aging,
}

/// Where something is still to be put in: behind so many pieces, and so many digests.
struct Gap<'a> {
    pieces: usize,
    digests: usize,
    pending: Pending<'a>,
}

/// How a part begins.
enum Begun<'a> {
    /// It is in the cache, and has no parts.
    There(Content),
    Awaited(Pending<'a>),
}

type Pending<'a> = Pin<Box<dyn Future<Output = Assembly> + Send + 'a>>;

impl<'a> Composition<'a> {
    /// For this page.
    pub(super) fn new(
        frontend: &'a Arc<FrontEnd>,
        recipient: Recipient<'a>,
        page: &'a Frame<'a>,
    ) -> Composition<'a> {
        Composition {
            frontend,
            recipient,
            page,
            failing: Failing::of(page.headers, frontend.settings.development),
            until: OnceLock::new(),
            parts: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Puts the page together if all of it is in the cache. It waits for nothing, and leaves no
    /// trace where it does not succeed.
    pub(super) fn at_once(&self) -> Option<Assembly> {
        let url = Canonical::of_request(&self.recipient.request.uri);
        let chain = Chain::begin(url.as_ref());
        let mut request = PartRequest::of(self.recipient.request);
        let now = clock::now();
        let source = self.page.source;
        let mut assembly = Assembly::begin(source, self.page);
        let (mut parts, mut length) = (0, source.pieces.len());
        for (piece, deflated) in source.iter() {
            match piece {
                Piece::Bytes(bytes) => assembly.push(source.insertion, bytes, deflated),
                Piece::Part(part) => {
                    let content = self.look_up(&mut request, &chain, part, now).ok()??;
                    parts += 1;
                    length += content.pieces().len();
                    if content.pieces().has_parts() || parts > MOST_PARTS || length > MOST_BYTES {
                        return None;
                    }
                    assembly.put_in(self.page, &content);
                }
            }
        }
        self.frontend.counters.count_all(Event::Hit, parts as u64);
        Some(assembly)
    }

    /// Puts the page together.
    pub(super) async fn put_together(&self) -> Assembly {
        let url = Canonical::of_request(&self.recipient.request.uri);
        let chain = Chain::begin(url.as_ref());
        let request = PartRequest::of(self.recipient.request);
        let source = self.page.source;
        self.bytes.fetch_add(source.pieces.len(), Ordering::Relaxed);
        self.assemble(request, &chain, source).await
    }

    /// Puts content together that was reached through `chain`.
    async fn assemble<'c>(
        &'c self,
        mut request: PartRequest<'c>,
        chain: &'c Chain<'c>,
        source: Source<'c>,
    ) -> Assembly {
        let mut assembly = Assembly::begin(source, self.page);
        let mut gaps: Vec<Gap<'c>> = Vec::new();
        for (piece, deflated) in source.iter() {
            match piece {
                Piece::Bytes(bytes) => assembly.push(source.insertion, bytes, deflated),
                Piece::Part(part) => {
                    let slot = Slot { part, insertion: source.insertion };
                    match self.begin(&mut request, chain, slot) {
                        Ok(Begun::There(content)) => assembly.put_in(self.page, &content),
                        Ok(Begun::Awaited(pending)) => {
                            let (pieces, digests) = (assembly.whole.pieces(), assembly.tag.len());
                            gaps.push(Gap { pieces, digests, pending });
                        }
                        Err(cause) => self.fall_back(&mut assembly, chain, slot, &cause),
                    }
                }
            }
        }
        let (places, pending): (Vec<_>, Vec<_>) =
            gaps.into_iter().map(|gap| ((gap.pieces, gap.digests), gap.pending)).unzip();
        let arrived = join_all(pending).await;
        // From the end, so that the places of the others stay what they are.
        for ((pieces, digests), part) in places.into_iter().zip(arrived).rev() {
            assembly.whole.insert(pieces, part.whole);
            assembly.undeflated.extend(part.undeflated);
            assembly.tag.insert(digests, part.tag);
            assembly.sharing.extend(part.sharing);
            assembly.aging = assembly.aging.with(part.aging);
        }
        assembly
    }

    /// Looks a part up, and begins what there is to wait for.
    fn begin<'c>(
        &'c self,
        request: &mut PartRequest<'c>,
        chain: &'c Chain<'c>,
        slot: Slot<'c>,
    ) -> Result<Begun<'c>, Cause> {
        match self.parts.fetch_add(1, Ordering::Relaxed) {
            ..MOST_PARTS => {}
            MOST_PARTS => {
                let cause =
                    format!("a response may have {MOST_PARTS} parts, those of its parts included");
                return Err(cause.into());
            }
            _ => return Err(Cause::known("the response has too many parts")),
        }
        let content = match self.look_up(request, chain, slot.part, clock::now())? {
            Some(content) => {
                self.frontend.counters.count(Event::Hit);
                Some(self.weigh(content)?)
            }
            None => None,
        };
        match content {
            Some(content) if !content.pieces().has_parts() => Ok(Begun::There(content)),
            content => {
                let follow = self.follow(request.clone(), chain, slot, content);
                Ok(Begun::Awaited(Box::pin(follow)))
            }
        }
    }

    /// A part that is in the cache. Afterwards the request is one for it.
    fn look_up(
        &self,
        request: &mut PartRequest<'_>,
        chain: &Chain<'_>,
        part: &Part,
        now: Moment,
    ) -> Result<Option<Content>, Cause> {
        let address = Address::of(part)?;
        let canonical = address.canonical()?;
        chain.admits(&canonical)?;
        request.ask_for(address.under(&self.recipient.request.uri));
        let resolution = self.recipient.edition.table.resolve(&Method::GET, &canonical.path);
        let Resolution::Route(matched) = resolution else { return Ok(None) };
        if !is_page(&matched.route.target) {
            return Ok(None);
        }
        let request = match self.frontend.heeds_headers(matched.route) {
            true => request.whole(),
            false => request.line(),
        };
        match self.frontend.find(request, self.recipient.origin, &matched, || now) {
            Found::Hit { entry, variant, now } => {
                Content::of_hit(entry, variant, now, self.frontend).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Waits for a part, unless its content is at hand, and for the parts within.
    async fn follow<'c>(
        &'c self,
        mut request: PartRequest<'c>,
        chain: &'c Chain<'c>,
        slot: Slot<'c>,
        content: Option<Content>,
    ) -> Assembly {
        let content = match content {
            Some(content) => Ok(content),
            None => self.ask(&mut request).await.and_then(|content| self.weigh(content)),
        };
        let url = Address::of(slot.part).and_then(Address::canonical);
        match content.and_then(|content| Ok((content, url?))) {
            Ok((content, url)) => {
                let chain = chain.down(&url);
                let mut assembly = self.assemble(request, &chain, content.source(self.page)).await;
                assembly.share(self.page, &content);
                assembly
            }
            Err(cause) => {
                let mut assembly = Assembly::default();
                self.fall_back(&mut assembly, chain, slot, &cause);
                assembly
            }
        }
    }

    /// Has the front end answer the request for a part.
    async fn ask(&self, request: &mut PartRequest<'_>) -> Result<Content, Cause> {
        let Recipient { generation, edition, origin, .. } = self.recipient;
        let (parts, body) = (request.whole(), Body::empty());
        let visit = Visit { generation, edition, parts, body, origin };
        let limit = self.frontend.settings.part_timeout;
        let until = *self.until.get_or_init(|| Instant::now() + limit);
        let answer =
            async { Content::of(self.frontend.dispatch(visit).await, self.frontend).await };
        timeout_at(until, answer).await.unwrap_or_else(|_| {
            Err(format!("it was not there within {limit:?} (`[http] part_timeout`)").into())
        })
    }

    /// Content that the response still has room for.
    fn weigh(&self, content: Content) -> Result<Content, Cause> {
        let length = content.pieces().len();
        if self.bytes.fetch_add(length, Ordering::Relaxed).saturating_add(length) <= MOST_BYTES {
            return Ok(content);
        }
        Err(format!("with it the response would be longer than {MOST_BYTES} bytes").into())
    }

    fn fall_back(&self, assembly: &mut Assembly, chain: &Chain<'_>, slot: Slot<'_>, cause: &Cause) {
        let bytes = self.failing.instead(chain, slot.part, slot.insertion, cause);
        assembly.tag.add(Pieces::from(bytes.clone()).digest());
        assembly.whole.push(bytes, None);
        assembly.sharing.take_in_fallback();
    }
}

impl<'a> Source<'a> {
    /// That of a page as it is kept.
    pub(super) fn of(page: &'a Page) -> Source<'a> {
        Source {
            pieces: &page.body,
            deflated: page.later.pieces(),
            digest: page.digest(),
            insertion: Insertion::Verbatim,
        }
    }

    /// That of content without deflated pieces.
    pub(super) fn of_pieces(pieces: &'a Pieces, digest: u128) -> Source<'a> {
        Source { pieces, deflated: &[], digest, insertion: Insertion::Verbatim }
    }

    fn iter(self) -> impl Iterator<Item = (&'a Piece, Option<&'a Deflated>)> {
        let mut deflated = self.deflated.iter();
        self.pieces.iter().map(move |piece| (piece, deflated.next().and_then(Option::as_ref)))
    }
}

impl Assembly {
    /// Begins with content of which nothing is put in yet.
    fn begin(source: Source<'_>, page: &Frame<'_>) -> Assembly {
        let mut tag = Tag::default();
        tag.add(source.digest);
        let whole = Whole::with_capacity(source.pieces.iter().len(), page.takes_gzip());
        Assembly { whole, tag, ..Assembly::default() }
    }

    fn push(&mut self, insertion: Insertion, bytes: &Bytes, deflated: Option<&Deflated>) {
        match insertion.changed(bytes) {
            Some(changed) => self.whole.push(changed, None),
            None => self.whole.push(bytes.clone(), deflated),
        }
    }

    /// Puts in content without parts.
    fn put_in(&mut self, page: &Frame<'_>, content: &Content) {
        let source = content.source(page);
        self.tag.add(source.digest);
        for (piece, deflated) in source.iter() {
            match piece {
                Piece::Bytes(bytes) => self.push(source.insertion, bytes, deflated),
                Piece::Part(_) => unreachable!("content with parts is assembled"),
            }
        }
        self.share(page, content);
    }

    fn share(&mut self, page: &Frame<'_>, content: &Content) {
        let part = match content {
            Content::Entry { entry, variant, aging } => {
                let kept = page_of(entry);
                if page.takes_gzip()
                    && kept.later.wants(Derived::Pieces)
                    && kept.body.len() >= SHORTEST_PIECE
                {
                    self.undeflated.push(Arc::clone(entry));
                }
                self.aging = self.aging.with(*aging);
                Policy::of_page(kept, variant)
            }
            Content::Page(kept, variant) => Policy::of_page(kept, variant),
            Content::Shared(headers, _) => Policy::of(headers, &VariantKind::Yes),
            Content::Own(..) => return self.sharing.take_in_visitors_own(),
        };
        self.sharing.take_in(page.policy, part);
    }
}
