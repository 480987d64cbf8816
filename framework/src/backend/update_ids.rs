//! The ids by which the updates of a call are recognised when its request is sent a second time.
//!
//! # Which requests have ids
//!
//! - A request of an unsafe method with an `Idempotency-Key`
//!   (draft-ietf-httpapi-idempotency-key-header): a string of structured fields (RFC 9651) with 1
//!   to [`LONGEST_KEY`] characters. Any other value is answered with 400, because the client would
//!   rely on a guarantee that does not hold. The id is a hash of the key.
//! - A request that the front end may send again by itself. The front end draws the id.
//!
//! Other requests have none, and count as new requests each time.
//!
//! # The data that a key is bound to
//!
//! A digest of method, path, query, content type, body, and the data that distinguishes clients:
//! `Authorization`, the user of the session (or the session, if it has no user), and without a
//! session, the cookies. The host is not included, because a client may try another front end. The
//! digest is keyed with the client's key, which is stored nowhere: so a reader of the log cannot
//! find a password by trial.
//!
//! **Why credentials are in the digest.** Without them a client that guesses or reuses another
//! one's key would get that one's outcome, and its own update would be lost. They could be in the
//! id instead, so that each client has its own keys. But nothing here identifies a client: were a
//! cookie or token renewed between two attempts, the second attempt would silently be applied as a
//! new request. With the credentials in the digest, both cases are a 422, after which nothing is
//! applied and nothing shown. The cost: a key that another client has used is unusable, so keys
//! should be random, as the draft recommends. On a site without sessions of this framework whose
//! cookies change for unrelated reasons (a counter of visits), `[idempotency] cookies` lists the
//! cookies that distinguish clients.
//!
//! A multipart form that is encoded again has another boundary, so it is another request. Binding a
//! key to the fields would require parsing the body here, where only bytes are visible, for a
//! client that can as well send the same bytes again.
//!
//! **The body** is hashed while the controller reads it, so that no node must hold it. An update
//! that is written before the end of the body is bound to the rest of the request only.
//!
//! # A request that is sent again runs its controller again
//!
//! Its updates return their first outcomes, so the reply is made of the same values; no reply is
//! kept. The controller repeats its other effects, which is why a front end sends a request again
//! by itself only if the client, the method or the route permits it (`link/client/call.rs`).

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};
use crate::http::cookies;
use crate::http::names::IDEMPOTENCY_KEY;
use crate::link::Call;
use crate::log::{IdSource, Position, RequestDigest, UpdateId};
use crate::reply::{self, Reply};
use crate::session::SessionRecord;

/// The most characters of a key.
const LONGEST_KEY: usize = 255;

/// The data that clients' keys are bound to, and the lifetime of keys.
#[derive(Debug, Clone)]
pub(crate) struct KeyOptions {
    /// How long a key is kept after its update.
    pub kept: Duration,
    /// The names of the cookies that distinguish clients. `None` for all, unless there is a
    /// session.
    pub cookies: Option<Vec<String>>,
}

/// Assigns the ids of a call's updates.
#[derive(Debug)]
pub(super) struct UpdateIds {
    call: u128,
    source: Source,
    next: AtomicU32,
}

#[derive(Debug)]
enum Source {
    Client { head: u128, body: Arc<OnceLock<u128>>, kept: u32 },
    FrontEnd { again_after: Option<Position> },
}

impl UpdateIds {
    /// Returns the ids for a call with an unsafe method, if it has any, and the body to be read.
    /// `known` is the position of this log that the front end had applied when it first sent the
    /// call.
    ///
    /// # Errors
    /// The reply, if the key is invalid.
    pub(super) fn of(
        call: &Call,
        headers: &HeaderMap,
        session: Option<&SessionRecord>,
        body: Body,
        known: Position,
        options: &KeyOptions,
    ) -> Result<(Option<UpdateIds>, Body), Box<Reply>> {
        let next = AtomicU32::new(0);
        if let Some(key) = key_of(headers)? {
            let id = truncated(blake3::Hasher::new_derive_key(ID_CONTEXT).update(key.as_bytes()));
            let head = digest_of_head(&key, call, headers, session, options);
            let digest = Arc::new(OnceLock::new());
            let body = Hashed::watch(body, Arc::clone(&digest));
            let kept = u32::try_from(options.kept.as_secs()).unwrap_or(u32::MAX);
            let source = Source::Client { head, body: digest, kept };
            return Ok((Some(UpdateIds { call: id, source, next }), body));
        }
        let ids = call.id.map(|id| {
            let again_after = call.is_again.then_some(known);
            UpdateIds { call: id, source: Source::FrontEnd { again_after }, next }
        });
        Ok((ids, body))
    }

    /// Returns the id of the next update.
    pub(super) fn next(&self) -> UpdateId {
        let source = match &self.source {
            Source::Client { head, body, kept } => {
                let request = RequestDigest { head: *head, body: body.get().copied() };
                IdSource::Client { request, kept: *kept }
            }
            Source::FrontEnd { again_after } => IdSource::FrontEnd { again_after: *again_after },
        };
        UpdateId { call: self.call, number: self.next.fetch_add(1, Ordering::Relaxed), source }
    }
}

const ID_CONTEXT: &str = "headwater 2026-11-29 id of a request with an Idempotency-Key";
const HEAD_CONTEXT: &str = "headwater 2026-11-29 head of a request with an Idempotency-Key";

/// Returns the key of the request, if it has one.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Box<Reply>> {
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let refused = || {
        let message = format!(
            "The Idempotency-Key must be one string of 1 to {LONGEST_KEY} characters in quotation marks, as in \
             Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"."
        );
        Box::new(reply::error(StatusCode::BAD_REQUEST).message(message))
    };
    let item = sfv::Parser::new(line.as_bytes()).parse::<sfv::Item>().map_err(|_| refused())?;
    let key = item.bare_item.as_string().ok_or_else(refused)?.as_str();
    match key.len() {
        1..=LONGEST_KEY if lines.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(refused()),
    }
}

fn digest_of_head(
    key: &str,
    call: &Call,
    headers: &HeaderMap,
    session: Option<&SessionRecord>,
    options: &KeyOptions,
) -> u128 {
    let keyed = blake3::derive_key(HEAD_CONTEXT, key.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&keyed);
    // Each part is preceded by its length, so that no two requests give the same sequence of bytes.
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    add(call.method.as_bytes());
    add(call.uri.as_bytes());
    for name in [CONTENT_TYPE, AUTHORIZATION] {
        add(headers.get(name).map_or(&[], |value| value.as_bytes()));
    }
    match session {
        None => add(b"no session"),
        Some(SessionRecord { user: Some(user), .. }) => {
            add(b"user");
            add(user.as_bytes());
        }
        Some(session) => {
            add(b"session");
            add(session.id.to_string().as_bytes());
        }
    }
    let is_relevant = |name: &str| match &options.cookies {
        None => session.is_none(),
        Some(names) => names.iter().any(|known| known == name),
    };
    // A browser may send them in another order.
    let cookies: BTreeMap<&str, &str> =
        cookies(headers).filter(|(name, _)| is_relevant(name)).collect();
    for (name, value) in cookies {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    truncated(&hasher)
}

fn truncated(hasher: &blake3::Hasher) -> u128 {
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

/// A body that is hashed while it is read; the hash is available when the body has been read to its
/// end.
#[derive(Debug)]
struct Hashed {
    body: Body,
    hasher: Box<blake3::Hasher>,
    digest: Arc<OnceLock<u128>>,
}

impl Hashed {
    fn watch(body: Body, digest: Arc<OnceLock<u128>>) -> Body {
        let mut hasher = Box::new(blake3::Hasher::new());
        if body.is_end_stream() || body.as_bytes().is_some() {
            hasher.update(body.as_bytes().map_or(&[], |bytes| bytes));
            // The cell is new, so this succeeds.
            let _ = digest.set(truncated(&hasher));
            return body;
        }
        Body::stream(Hashed { body, hasher, digest })
    }
}

impl HttpBody for Hashed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.hasher.update(data);
        }
        if frame.is_none() || self.body.is_end_stream() {
            // A poll after the end finds it set already.
            let _ = self.digest.set(truncated(&self.hasher));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
