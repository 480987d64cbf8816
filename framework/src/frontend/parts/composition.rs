//! Putting content together: what is in the cache at once, the rest side by side.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::HeaderMap;
use http::request::Parts;
use tokio::time::{Instant, timeout_at};

use super::super::counters::Event;
use super::super::page::Found;
use super::super::respond::Aging;
use super::super::served::page_of;
use super::super::variant::VariantKind;
use super::super::{FrontEnd, Visit};
use super::address::{Address, Canonical};
use super::chain::Chain;
use super::content::Content;
use super::failing::{Cause, Failing};
use super::request::PartRequest;
use super::sharing::Sharing;
use super::tag::Tag;
use super::{MOST_BYTES, MOST_PARTS, Recipient};
use crate::body::Body;
use crate::dispatch::{CanonicalPath, Resolution, Target};
use crate::pieces::{Part, Piece, Pieces};

/// The putting together of one response.
pub(super) struct Composition<'a> {
    frontend: &'a Arc<FrontEnd>,
    recipient: Recipient<'a>,
    /// The page's headers, and the variant that it is of.
    page: (&'a HeaderMap, &'a VariantKind),
    failing: Failing,
    until: Instant,
    parts: AtomicUsize,
    bytes: AtomicUsize,
}

/// What was put together.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) bytes: Vec<Bytes>,
    pub(super) tag: Tag,
    pub(super) sharing: Sharing,
    pub(super) aging: Aging,
}

/// What is known of a place in the content before anything was waited for.
enum Place {
    Bytes(Bytes),
    /// Of the content that begins here.
    Digest(u128),
    /// The next of the parts that are waited for.
    Awaited,
}

/// Places in their order, and what the parts among them say about keeping the whole.
#[derive(Default)]
struct Assembly {
    places: Vec<Place>,
    sharing: Sharing,
    aging: Aging,
}

/// How a part begins.
enum Begun<'a> {
    /// It is in the cache, and has no parts.
    There(Content),
    Awaited(Pending<'a>),
}

type Pending<'a> = Pin<Box<dyn Future<Output = Assembly> + Send + 'a>>;

impl<'a> Composition<'a> {
    /// For the page with these headers and of this variant.
    pub(super) fn new(
        frontend: &'a Arc<FrontEnd>,
        recipient: Recipient<'a>,
        headers: &'a HeaderMap,
        variant: &'a VariantKind,
    ) -> Composition<'a> {
        let settings = &frontend.settings;
        Composition {
            frontend,
            recipient,
            page: (headers, variant),
            failing: Failing::of(headers, settings.development),
            until: Instant::now() + settings.part_timeout,
            parts: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Puts the page together, whose pieces have this digest.
    pub(super) async fn put_together(&self, pieces: &Pieces, digest: u128) -> Composed {
        let url = Canonical::of_request(&self.recipient.request.uri);
        let chain = Chain::begin(url.as_ref());
        let request = PartRequest::of(self.recipient.request);
        let Assembly { places, sharing, aging } =
            self.assemble(request, &chain, pieces, digest).await;
        let mut composed = Composed {
            bytes: Vec::with_capacity(places.len()),
            tag: Tag::default(),
            sharing,
            aging,
        };
        for place in places {
            match place {
                Place::Bytes(bytes) => composed.bytes.push(bytes),
                Place::Digest(digest) => composed.tag.add(digest),
                Place::Awaited => unreachable!("all parts have been waited for"),
            }
        }
        composed
    }

    /// Puts content together that was reached through `chain`.
    async fn assemble<'c>(
        &'c self,
        mut request: PartRequest,
        chain: &'c Chain<'c>,
        pieces: &'c Pieces,
        digest: u128,
    ) -> Assembly {
        let mut assembly = Assembly::default();
        assembly.places.push(Place::Digest(digest));
        let mut awaited: Vec<Pending<'c>> = Vec::new();
        for piece in pieces.iter() {
            match piece {
                Piece::Bytes(bytes) => assembly.places.push(Place::Bytes(bytes.clone())),
                Piece::Part(part) => match self.begin(&mut request, chain, part) {
                    Ok(Begun::There(content)) => assembly.put_in(self.page, &content),
                    Ok(Begun::Awaited(pending)) => {
                        assembly.places.push(Place::Awaited);
                        awaited.push(pending);
                    }
                    Err(cause) => self.fall_back(&mut assembly, chain, part, &cause),
                },
            }
        }
        if awaited.is_empty() {
            return assembly;
        }
        let mut arrived = join_all(awaited).await.into_iter();
        let mut whole = Assembly { places: Vec::new(), ..assembly };
        for place in assembly.places {
            match place {
                Place::Awaited => {
                    let part = arrived.next().expect("as many have arrived as were awaited");
                    whole.places.extend(part.places);
                    whole.sharing.extend(part.sharing);
                    whole.aging = whole.aging.with(part.aging);
                }
                there => whole.places.push(there),
            }
        }
        whole
    }

    /// Looks a part up, and begins what there is to wait for.
    fn begin<'c>(
        &'c self,
        request: &mut PartRequest,
        chain: &'c Chain<'c>,
        part: &'c Part,
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
        let address = Address::parse(&part.url)?;
        let canonical = address.canonical()?;
        chain.admits(&canonical)?;
        request.ask_for(address.under(&self.recipient.request.uri));
        let content = match self.look_up(request.parts(), &canonical.path) {
            Some(found) => Some(self.weigh(found?)?),
            None => None,
        };
        match content {
            Some(content) if !content.pieces().has_parts() => Ok(Begun::There(content)),
            content => {
                let follow = self.follow(request.clone(), chain, part, address, content);
                Ok(Begun::Awaited(Box::pin(follow)))
            }
        }
    }

    /// A part that is in the cache.
    fn look_up(&self, request: &Parts, path: &CanonicalPath<'_>) -> Option<Result<Content, Cause>> {
        let resolution = self.recipient.edition.table.resolve(&request.method, path);
        let Resolution::Route(matched) = resolution else { return None };
        if !matches!(matched.route.target, Target::Controller(_) | Target::Template(_)) {
            return None;
        }
        match self.frontend.find(request, self.recipient.origin, &matched) {
            Found::Hit { entry, variant, now } => {
                self.frontend.counters.count(Event::Hit);
                Some(Content::of_hit(entry, variant, now, self.frontend))
            }
            _ => None,
        }
    }

    /// Waits for a part, unless its content is at hand, and for the parts within.
    async fn follow<'c>(
        &'c self,
        request: PartRequest,
        chain: &'c Chain<'c>,
        part: &'c Part,
        address: Address,
        content: Option<Content>,
    ) -> Assembly {
        let content = match content {
            Some(content) => Ok(content),
            None => self.ask(&request).await.and_then(|content| self.weigh(content)),
        };
        let down = content.and_then(|content| Ok((content, address.canonical()?)));
        match down {
            Ok((content, url)) => {
                let (chain, pieces) = (chain.down(&url), content.pieces());
                let mut assembly = self.assemble(request, &chain, pieces, content.digest()).await;
                assembly.share(self.page, &content);
                assembly
            }
            Err(cause) => {
                let mut assembly = Assembly::default();
                self.fall_back(&mut assembly, chain, part, &cause);
                assembly
            }
        }
    }

    /// Has the front end answer the request for a part.
    async fn ask(&self, request: &PartRequest) -> Result<Content, Cause> {
        let Recipient { generation, edition, origin, .. } = self.recipient;
        let (parts, body) = (request.parts(), Body::empty());
        let visit = Visit { generation, edition, parts, body, origin };
        let settings = &self.frontend.settings;
        let answer =
            async { Content::of(self.frontend.dispatch(visit).await, self.frontend).await };
        timeout_at(self.until, answer).await.unwrap_or_else(|_| {
            let limit = settings.part_timeout;
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

    fn fall_back(&self, assembly: &mut Assembly, chain: &Chain<'_>, part: &Part, cause: &Cause) {
        let bytes = self.failing.instead(chain, part, cause);
        assembly.places.push(Place::Digest(Pieces::from(bytes.clone()).digest()));
        assembly.places.push(Place::Bytes(bytes));
        assembly.sharing.take_in_fallback();
    }
}

impl Assembly {
    /// Puts in content without parts.
    fn put_in(&mut self, page: (&HeaderMap, &VariantKind), content: &Content) {
        let pieces = content.pieces();
        self.places.push(Place::Digest(content.digest()));
        for piece in pieces.iter() {
            match piece {
                Piece::Bytes(bytes) => self.places.push(Place::Bytes(bytes.clone())),
                Piece::Part(_) => unreachable!("content with parts is assembled"),
            }
        }
        self.share(page, content);
    }

    fn share(&mut self, page: (&HeaderMap, &VariantKind), content: &Content) {
        match content {
            Content::Entry { entry, variant, aging } => {
                self.sharing.take_in(page, (&page_of(entry).headers, variant));
                self.aging = self.aging.with(*aging);
            }
            Content::Page(kept, variant) => self.sharing.take_in(page, (&kept.headers, variant)),
            Content::Shared(headers, _) => self.sharing.take_in(page, (headers, &VariantKind::Yes)),
            Content::Own(_) => self.sharing.take_in_visitors_own(),
        }
    }
}
