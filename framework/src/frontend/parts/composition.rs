//! Composition of pages: parts from the cache at once, the rest concurrently.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Response;
use tokio::time::{Instant, timeout_at};

use super::super::dispatcher::{Dispatcher, Pending};
use super::super::pages::{SHORTEST_PIECE, Served, page_of};
use super::super::respond::{Aging, ComposedBody};
use super::super::router::{PartHeaders, VariantKind, Visit};
use super::address::{Address, Canonical};
use super::chain::Chain;
use super::content::PartContent;
use super::failing::{Cause, Failing};
use super::frame::Frame;
use super::insertion::Insertion;
use super::sharing::{Policy, Sharing};
use super::tag::ComposedTag;
use super::{MOST_BYTES, MOST_PARTS};
use crate::body::Body;
use crate::cache::{Derived, Entry, Page};
use crate::http::Reuse;
use crate::http::gzip::Deflated;
use crate::inline::InlineHashes;
use crate::pieces::{Part, Piece, Pieces};

/// Composes the response with a page that has parts, if they are all in the cache. Otherwise returns the unfinished
/// composition.
pub(in crate::frontend) fn compose(
    dispatcher: &Dispatcher,
    visit: Visit<'_>,
    served: Served,
) -> Result<Response<Body>, Box<Unfinished>> {
    let frame = Frame::of(&served, visit).expect("only content with parts is put together");
    let progress = Progress::new(&frame, dispatcher);
    let composition = Composition { dispatcher, visit, page: &frame, progress: &progress };
    let url = Canonical::of_request(visit.uri);
    let (assembly, gaps) = composition.begin(&Chain::begin(url.as_ref()), frame.source);
    if gaps.is_empty() {
        return Ok(frame.respond(visit.client, assembly, dispatcher));
    }
    Err(Box::new(Unfinished { served, progress, assembly, gaps }))
}

/// A page some of whose parts are not available yet.
pub(in crate::frontend) struct Unfinished {
    served: Served,
    progress: Progress,
    assembly: Assembly,
    gaps: Vec<Gap>,
}

impl Unfinished {
    /// Waits for the parts, and returns the response.
    pub(in crate::frontend) async fn wait_for_parts(
        self,
        dispatcher: &Dispatcher,
        visit: Visit<'_>,
    ) -> Response<Body> {
        let Unfinished { served, progress, assembly, gaps } = self;
        let frame = Frame::of(&served, visit).expect("it was begun with parts");
        let composition = Composition { dispatcher, visit, page: &frame, progress: &progress };
        let url = Canonical::of_request(visit.uri);
        let chain = Chain::begin(url.as_ref());
        let assembly = composition.fill(assembly, gaps, &chain, frame.source).await;
        frame.respond(visit.client, assembly, dispatcher)
    }
}

/// The composition of one response.
struct Composition<'a> {
    dispatcher: &'a Dispatcher,
    visit: Visit<'a>,
    page: &'a Frame<'a>,
    progress: &'a Progress,
}

/// The resources that the composition of a response has used.
struct Progress {
    headers: PartHeaders,
    failing: Failing,
    /// The deadline for all parts, set when the first one is awaited.
    until: OnceLock<Instant>,
    parts: AtomicUsize,
    bytes: AtomicUsize,
}

impl Progress {
    fn new(page: &Frame<'_>, dispatcher: &Dispatcher) -> Progress {
        Progress {
            headers: PartHeaders::default(),
            failing: Failing::of(page.headers, dispatcher.settings.development),
            until: OnceLock::new(),
            parts: AtomicUsize::new(0),
            bytes: AtomicUsize::new(page.source.pieces.len()),
        }
    }
}

/// Content to be composed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) pieces: &'a Pieces,
    /// Each piece, deflated, if the encoder has done that.
    pub(super) deflated: &'a [Option<Deflated>],
    /// The digest of the pieces.
    pub(super) digest: u128,
    pub(super) insertion: Insertion,
}

/// The place of a part, and how the surrounding content is inserted.
#[derive(Clone, Copy)]
struct Slot<'a> {
    part: &'a Part,
    insertion: Insertion,
}

/// Composed content, possibly incomplete.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) whole: ComposedBody,
    /// The entries whose pieces have not been deflated yet.
    pub(super) undeflated: Vec<Arc<Entry>>,
    pub(super) tag: ComposedTag,
    pub(super) sharing: Sharing,
    pub(super) aging: Aging,
    /// The hashes of the parts' inline scripts and styles.
    pub(super) inline: InlineHashes,
    /// Whether it shows a flash message, which must appear in one response only.
    pub(super) has_flash: bool,
}

/// The place of a part that is not inserted yet: the number of pieces and of digests before it.
struct Gap {
    pieces: usize,
    digests: usize,
    /// The part's index among the content's pieces.
    part: usize,
    awaited: Awaited,
}

/// The state of a part that is not inserted yet.
enum Awaited {
    /// Its content is available, and has parts of its own.
    PartContent(PartContent),
    /// The answer to the request for it is available.
    Served(Served),
    /// The answer to the request for it must be made.
    Pending(Pending),
}

impl<'a> Composition<'a> {
    /// Composes content, reached through `chain`, as far as its parts are in the cache, without waiting.
    fn begin(&self, chain: &Chain<'_>, source: Source<'_>) -> (Assembly, Vec<Gap>) {
        let mut assembly = Assembly::begin(source, self.page);
        let mut gaps = Vec::new();
        for (index, (piece, deflated)) in source.iter().enumerate() {
            let part = match piece {
                Piece::Bytes(bytes) => {
                    assembly.push(source.insertion, bytes, deflated);
                    continue;
                }
                Piece::Part(part) if part.is_flash() => {
                    self.put_flash_into(&mut assembly);
                    continue;
                }
                Piece::Part(part) => part,
            };
            match self.look_up(chain, part) {
                Ok(Awaited::PartContent(content)) if !content.pieces().has_parts() => {
                    assembly.put_in(self.page, &content);
                }
                Ok(awaited) => {
                    let (pieces, digests) = (assembly.whole.pieces(), assembly.tag.len());
                    gaps.push(Gap { pieces, digests, part: index, awaited });
                }
                Err(cause) => {
                    let slot = Slot { part, insertion: source.insertion };
                    self.fall_back(&mut assembly, chain, slot, &cause);
                }
            }
        }
        (assembly, gaps)
    }

    /// Looks up a part, without waiting.
    fn look_up(&self, chain: &Chain<'_>, part: &Part) -> Result<Awaited, Cause> {
        match self.progress.parts.fetch_add(1, Ordering::Relaxed) {
            ..MOST_PARTS => {}
            MOST_PARTS => {
                let cause =
                    format!("a response may have {MOST_PARTS} parts, those of its parts included");
                return Err(cause.into());
            }
            _ => return Err(Cause::known("the response has too many parts")),
        }
        let address = Address::of(part)?;
        let canonical = address.canonical()?;
        chain.admits(&canonical)?;
        let uri = address.under(self.visit.uri);
        let visit = self.visit.of_part(&uri, &self.progress.headers);
        match self.dispatcher.find_at(visit, canonical.path) {
            Ok(served) if served.has_flashes() && self.flash().is_some() => {
                Ok(Awaited::Served(served.with_flashes()))
            }
            Ok(Served::Entry { entry, variant, aging, .. }) => {
                let content = PartContent::of_entry(entry, variant, aging)?;
                Ok(Awaited::PartContent(self.weigh(content)?))
            }
            Ok(served) => Ok(Awaited::Served(served)),
            Err(pending) => Ok(Awaited::Pending(pending)),
        }
    }

    /// Waits for the remaining parts of content, concurrently, and inserts them.
    async fn fill(
        &self,
        mut assembly: Assembly,
        gaps: Vec<Gap>,
        chain: &Chain<'_>,
        source: Source<'_>,
    ) -> Assembly {
        let pieces = source.pieces.iter().as_slice();
        let (places, awaited): (Vec<_>, Vec<_>) = gaps
            .into_iter()
            .filter_map(|gap| match &pieces[gap.part] {
                Piece::Part(part) => {
                    let place = (gap.pieces, gap.digests);
                    let slot = Slot { part, insertion: source.insertion };
                    Some((place, self.follow(chain, slot, gap.awaited)))
                }
                Piece::Bytes(_) => None,
            })
            .unzip();
        let arrived = join_all(awaited).await;
        // From the end, so that the places before stay valid.
        for ((pieces, digests), part) in places.into_iter().zip(arrived).rev() {
            assembly.whole.insert(pieces, part.whole);
            assembly.undeflated.extend(part.undeflated);
            assembly.tag.insert(digests, part.tag);
            assembly.sharing.extend(part.sharing);
            assembly.inline.extend(&part.inline);
            assembly.has_flash |= part.has_flash;
            assembly.aging = assembly.aging.with(part.aging);
        }
        assembly
    }

    /// Waits for a part, unless its content is available, and for the parts within. Boxed, because parts contain
    /// parts.
    fn follow<'c>(
        &'c self,
        chain: &'c Chain<'c>,
        slot: Slot<'c>,
        awaited: Awaited,
    ) -> Pin<Box<dyn Future<Output = Assembly> + Send + 'c>> {
        Box::pin(async move {
            let content = match awaited {
                Awaited::PartContent(content) => Ok(content),
                awaited => {
                    self.wait(slot.part, awaited).await.and_then(|content| self.weigh(content))
                }
            };
            let url = Address::of(slot.part).and_then(Address::canonical);
            match content.and_then(|content| Ok((content, url?))) {
                Ok((content, url)) => {
                    let chain = chain.down(&url);
                    let source = content.source(self.page);
                    let (assembly, gaps) = self.begin(&chain, source);
                    let mut assembly = self.fill(assembly, gaps, &chain, source).await;
                    assembly.share(self.page, &content);
                    assembly
                }
                Err(cause) => {
                    let mut assembly = Assembly::default();
                    self.fall_back(&mut assembly, chain, slot, &cause);
                    assembly
                }
            }
        })
    }

    /// Waits for the content of a part.
    async fn wait(&self, part: &Part, awaited: Awaited) -> Result<PartContent, Cause> {
        let limit = self.dispatcher.settings.part_timeout;
        let until = *self.progress.until.get_or_init(|| Instant::now() + limit);
        let uri = Address::of(part)?.under(self.visit.uri);
        let visit = self.visit.of_part(&uri, &self.progress.headers);
        let content = async {
            let served = match awaited {
                Awaited::PartContent(content) => return Ok(content),
                Awaited::Served(served) => served,
                Awaited::Pending(pending) => {
                    self.dispatcher.wait_for(visit, pending, Body::empty()).await
                }
            };
            let has_flash = served.has_flashes() && self.flash().is_some();
            let served = if has_flash { served.with_flashes() } else { served };
            PartContent::of(served, &self.dispatcher.pages, &self.dispatcher.settings).await
        };
        timeout_at(until, content).await.unwrap_or_else(|_| {
            Err(format!("it did not arrive within {limit:?} (`[http] part_timeout`)").into())
        })
    }

    /// Returns the flash message that the page shows.
    fn flash(&self) -> Option<&Bytes> {
        let Composition { dispatcher, visit, page, .. } = self;
        visit
            .shown_flash(&dispatcher.settings, page.policy.variant)
            .filter(|_| Insertion::is_markup(page.headers))
    }

    fn put_flash_into(&self, assembly: &mut Assembly) {
        // Added without a message too, so that content after the place and content before it yield different tags.
        assembly.tag.add(Pieces::new().digest());
        if let Some(html) = self.flash() {
            assembly.whole.push(html.clone(), None);
            assembly.has_flash = true;
        }
    }

    /// Returns the content if it still fits into the response.
    fn weigh(&self, content: PartContent) -> Result<PartContent, Cause> {
        let length = content.pieces().len();
        if self.progress.bytes.fetch_add(length, Ordering::Relaxed).saturating_add(length)
            <= MOST_BYTES
        {
            return Ok(content);
        }
        Err(format!("with it the response would be longer than {MOST_BYTES} bytes").into())
    }

    fn fall_back(&self, assembly: &mut Assembly, chain: &Chain<'_>, slot: Slot<'_>, cause: &Cause) {
        let bytes = self.progress.failing.fallback_for(chain, slot.part, slot.insertion, cause);
        assembly.tag.add(Pieces::from(bytes.clone()).digest());
        assembly.whole.push(bytes, None);
        // The part may recover soon.
        assembly.sharing.restrict(Reuse::Validated);
    }
}

impl<'a> Source<'a> {
    /// Returns the source of a stored page.
    pub(super) fn of(page: &'a Page) -> Source<'a> {
        Source {
            pieces: &page.body,
            deflated: page.later.pieces(),
            digest: page.digest(),
            insertion: Insertion::Verbatim,
        }
    }

    /// Returns the source of content without deflated pieces.
    pub(super) fn of_pieces(pieces: &'a Pieces, digest: u128) -> Source<'a> {
        Source { pieces, deflated: &[], digest, insertion: Insertion::Verbatim }
    }

    fn iter(self) -> impl Iterator<Item = (&'a Piece, Option<&'a Deflated>)> {
        let mut deflated = self.deflated.iter();
        self.pieces.iter().map(move |piece| (piece, deflated.next().and_then(Option::as_ref)))
    }
}

impl Assembly {
    /// Starts with content none of which is inserted yet.
    fn begin(source: Source<'_>, page: &Frame<'_>) -> Assembly {
        let mut tag = ComposedTag::default();
        tag.add(source.digest);
        let whole = ComposedBody::with_capacity(source.pieces.iter().len(), page.takes_gzip());
        Assembly { whole, tag, ..Assembly::default() }
    }

    fn push(&mut self, insertion: Insertion, bytes: &Bytes, deflated: Option<&Deflated>) {
        match insertion.changed(bytes) {
            Some(changed) => self.whole.push(changed, None),
            None => self.whole.push(bytes.clone(), deflated),
        }
    }

    /// Inserts content without parts.
    fn put_in(&mut self, page: &Frame<'_>, content: &PartContent) {
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

    fn share(&mut self, page: &Frame<'_>, content: &PartContent) {
        if let Some(inline) = content.inline() {
            self.inline.extend(inline);
        }
        let part = match content {
            PartContent::Entry { entry, variant, aging } => {
                let kept = page_of(entry);
                if page.takes_gzip()
                    && kept.later.wants(Derived::Pieces)
                    && kept.body.len() >= SHORTEST_PIECE
                {
                    self.undeflated.push(Arc::clone(entry));
                }
                self.aging = self.aging.with(*aging);
                Policy { terms: &kept.header_template.terms, variant }
            }
            PartContent::Page(kept, variant) => {
                Policy { terms: &kept.header_template.terms, variant }
            }
            PartContent::Shared(_, terms, _) => Policy { terms, variant: &VariantKind::Yes },
            PartContent::Own(..) => return self.sharing.restrict(Reuse::Private),
        };
        self.sharing.add_part(page.policy, part);
    }
}
