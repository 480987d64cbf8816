//! Answers a forwarded request: waits for the position, runs the controller, invalidates.

use std::future::ready;
use std::str::FromStr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body::Body as _;

use super::Backend;
use super::update_ids::UpdateIds;
use super::writing::CallJournal;
use crate::body::Body;
use crate::clock;
use crate::controller;
#[cfg(feature = "test")]
use crate::controller::Invalidations;
use crate::http::{Scheme, strings_of};
use crate::link::{Answer, AnswerContent, Call, CallRate, group_of_url};
use crate::log::{Invalidation, LogEpoch, Position, milliseconds_since_1970};
use crate::problem::nearest;
use crate::reply::{self, Reply, ReplyParts};
use crate::request::{Allowance, Request, RequestParts, RequestScope, SiteAccess};
use crate::session::SessionRecord;
use crate::state::{AfterReply, Reads, Recorder, Widened};

impl Backend {
    /// Answers a call. Every error becomes an answer too.
    pub(super) async fn answer(self: &Arc<Self>, mut call: Call, body: Body) -> (Answer, Body) {
        // A call continues here after its visitor has disconnected. Those with bodies have permits
        // of their own, so that slow uploads block no other calls.
        let places = if body.is_end_stream() { &self.places } else { &self.upload_places };
        let Ok(_place) = places.try_acquire() else {
            let message = "The back end has too many requests to handle.";
            let reply = reply::error(StatusCode::SERVICE_UNAVAILABLE).message(message);
            return self.wire(reply, self.tail.applied());
        };
        // A request that is sent for the second time was counted the first time.
        if let Some(rate) = call.rate.as_ref().filter(|_| !call.is_again)
            && let Err(wait) = self.rates.take(rate, clock::now())
        {
            return self.wire(too_often(rate, wait), self.tail.applied());
        }
        let deadline = Duration::from_millis(call.deadline);
        if !self.has_reached(call.log, call.applied, deadline).await {
            let message = "The back end has not caught up with the front end yet.";
            let reply = reply::error(StatusCode::SERVICE_UNAVAILABLE).message(message);
            return self.wire(reply, self.tail.applied());
        }
        let as_of = self.tail.applied();
        let Some(registration) = self.controllers.get(&call.controller) else {
            return self.wire(self.unknown_controller(&call.controller), as_of);
        };
        let invalidations = match registration.invalidation(&call.params) {
            Ok(invalidations) => invalidations,
            Err(error) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return self.wire(reply::error(status).cause(error.to_string()), as_of);
            }
        };
        let _deferring = invalidations.is_conditional().then(|| self.deferrals.begin(as_of));
        let own = call.own_url.as_deref().map(group_of_url);
        let own = own.map_or_else(Invalidation::new, |group| Invalidation::new().group(group));
        let is_unsafe = Method::from_str(&call.method).is_ok_and(|method| !method.is_safe());
        let headers = match headers_of(&call) {
            Ok(headers) => headers,
            Err(reply) => return self.wire(reply, as_of),
        };
        let session = call.session.take().filter(|session| self.honours(session));
        let session = session.map(|session| Arc::new(*session));
        let has_session = session.is_some();
        let (ids, body) = if is_unsafe {
            let known = call.log.is_some_and(|log| self.knows(log, call.applied));
            let known = if known { call.applied } else { Position::START };
            match UpdateIds::of(&call, &headers, session.as_deref(), body, known, &self.keys) {
                Ok(identified) => identified,
                Err(reply) => return self.wire(*reply, as_of),
            }
        } else {
            (None, body)
        };
        let journal = Arc::new(CallJournal::new(Arc::clone(self), invalidations, own, ids));
        let request_id = call.request_id.clone();
        // The data that the controller reads from the body may live as long as the call.
        let memory = Arc::new(self.memory.share());
        let allowance = Allowance { fields: self.fields, memory: Arc::clone(&memory) };
        // Dependencies are recorded only for content that may be cached.
        let after_reply = match call.scope {
            RequestScope::Key { .. } => Some(AfterReply::Refused),
            RequestScope::Full => call.has_fragments.then_some(AfterReply::Ignored),
        };
        let recorder = after_reply
            .map(|after_reply| Arc::new(Recorder::new(self.recorded_groups, after_reply)));
        let site = SiteAccess {
            states: Arc::clone(&self.states),
            resources: Arc::clone(&self.resources),
            sign_in: self.sign_in.clone(),
            journal: journal.clone(),
            docroot: self.clone(),
            recorder: recorder.clone(),
            scope: call.scope.clone(),
        };
        let request = self.request(call, headers, body, as_of, site, allowance);
        let reply = match request {
            Ok(mut request) => {
                request.parts.session = session;
                Either::Left(controller::answer(registration, request))
            }
            Err(reply) => Either::Right(ready(reply)),
        };
        let (mut reply, mut widened) = (reply.await, None);
        if let Some(recorder) = recorder {
            (reply, widened) = close(recorder, reply, registration.name());
        }
        journal.finish().await;
        drop(memory);
        let reply = reply.issue_session(journal.issue(as_of));
        let named = if is_unsafe { named_by(&reply) } else { Invalidation::new() };
        let due = journal.due(&reply, named);
        let reply = match journal.close(due, reply.status()).await {
            Ok(()) => reply,
            Err(error) => {
                tracing::error!(request_id, controller = registration.name(), %error, "cannot invalidate");
                journal.unclosed(&error)
            }
        };
        let (mut answer, body) = self.wire(reply, as_of);
        answer.widened = widened.map(|widened| widened.to_string());
        answer.has_session = has_session;
        (answer, body)
    }

    /// Returns the site as a controller without a request could access it, for reading and changing
    /// data.
    #[cfg(feature = "test")]
    pub(crate) fn site(self: &Arc<Self>) -> Arc<SiteAccess> {
        let (own, invalidations) = (Invalidation::new(), Invalidations::default());
        Arc::new(SiteAccess {
            states: Arc::clone(&self.states),
            resources: Arc::clone(&self.resources),
            sign_in: self.sign_in.clone(),
            journal: Arc::new(CallJournal::new(Arc::clone(self), invalidations, own, None)),
            docroot: self.clone(),
            recorder: None,
            scope: RequestScope::Full,
        })
    }

    /// Returns whether the session of a cookie is valid.
    fn honours(&self, session: &SessionRecord) -> bool {
        let revocations = self.revocations.lock().unwrap_or_else(PoisonError::into_inner);
        session.expires > milliseconds_since_1970()
            && self.log.includes(session.issued.log, session.issued.position)
            && !revocations.contain(session)
    }

    /// Waits until this back end has applied everything that the front end had applied. A position
    /// of another log, or of a fork of this one, is ignored.
    pub(super) async fn has_reached(
        &self,
        log: Option<LogEpoch>,
        applied: Position,
        deadline: Duration,
    ) -> bool {
        if !log.is_some_and(|log| self.knows(log, applied)) || self.tail.applied() >= applied {
            return true;
        }
        tokio::time::timeout(deadline, self.tail.reach(applied)).await.is_ok()
    }

    /// Returns whether a position of this log belongs to a record that this back end has too.
    fn knows(&self, log: LogEpoch, position: Position) -> bool {
        log == self.log.epoch() || self.log.includes(log, position)
    }

    fn unknown_controller(&self, name: &str) -> Reply {
        let known = self.controllers.keys().map(String::as_str);
        let hint = match nearest(name, known) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => "; add it to `controllers![…]`".to_owned(),
        };
        reply::error(StatusCode::INTERNAL_SERVER_ERROR)
            .cause(format!("no controller is registered as `{name}`{hint}"))
    }

    fn wire(&self, reply: Reply, as_of: Position) -> (Answer, Body) {
        let ReplyParts {
            status,
            headers,
            content,
            groups,
            recorded,
            cache,
            session,
            flash,
            is_sign_in,
        } = reply.into_parts();
        let (content, body) = match content {
            reply::Content::Body(_) if is_sign_in => (AnswerContent::SignIn, Body::empty()),
            reply::Content::Body(body) => (AnswerContent::Body, body),
            reply::Content::Template { name, values } => {
                (AnswerContent::Template { name, values: values.into_bytes() }, Body::empty())
            }
            reply::Content::Error { message, cause } => {
                (AnswerContent::Error { message, cause }, Body::empty())
            }
        };
        let headers = headers.iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        let answer = Answer {
            status: status.as_u16(),
            headers: headers.collect(),
            content,
            groups,
            recorded,
            widened: None,
            cache,
            session,
            has_session: false,
            flash,
            log: self.log.epoch(),
            as_of,
        };
        (answer, body)
    }

    /// Builds the controller's request from the call.
    fn request(
        &self,
        call: Call,
        headers: HeaderMap,
        body: Body,
        as_of: Position,
        site: SiteAccess,
        allowance: Allowance,
    ) -> Result<Request, Reply> {
        Ok(Request {
            parts: RequestParts {
                method: Method::from_str(&call.method).map_err(|_| invalid("method"))?,
                uri: Uri::from_str(&call.uri).map_err(|_| invalid("URL"))?,
                headers,
                params: call.params,
                scope: call.scope,
                variant: call.variant,
                lang: call.lang,
                scheme: call.is_encrypted.map(|is_encrypted| match is_encrypted {
                    true => Scheme::Https,
                    false => Scheme::Http,
                }),
                request_id: call.request_id,
                remote: call.remote,
                body_limit: call.body_limit.unwrap_or(self.body_limit),
                allowance,
                as_of,
                session: None,
                extensions: http::Extensions::new(),
                site: Arc::new(site),
            },
            body,
        })
    }
}

fn headers_of(call: &Call) -> Result<HeaderMap, Reply> {
    let mut headers = HeaderMap::with_capacity(call.headers.len());
    for (name, value) in &call.headers {
        let name = HeaderName::from_str(name).map_err(|_| invalid("headers"))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| invalid("headers"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn invalid(part: &str) -> Reply {
    let message = format!("The request has no valid {part}.");
    reply::error(StatusCode::BAD_REQUEST).message(message)
}

/// Returns the reply to a visitor that must wait for so long before its next call.
fn too_often(rate: &CallRate, wait: Duration) -> Reply {
    let seconds = wait.as_nanos().div_ceil(1_000_000_000);
    let (route, visitor) = rate.bucket.split_once('\n').unwrap_or_default();
    let period = Duration::from_millis(rate.period);
    reply::error(StatusCode::TOO_MANY_REQUESTS)
        .message(format!("Too many requests. Please try again in {seconds} seconds."))
        .cause(format!(
            "{visitor} has asked for {route} more than {} times in {period:?}",
            rate.requests
        ))
        .header("retry-after", seconds.to_string())
        // Whatever the route declares for this status, the reply is for this visitor alone.
        .header("cache-control", "no-store")
}

/// Adds the groups of the data that the controller has read to a reply that may be cached.
///
/// If a stream that still has to write the body holds a view of the data, it may read more of them,
/// which the page's groups would not include. Such a reply is not cached.
fn close(recorder: Arc<Recorder>, reply: Reply, controller: &str) -> (Reply, Option<Widened>) {
    let is_written = match reply.content() {
        reply::Content::Body(body) => body.as_bytes().is_some() || body.is_end_stream(),
        reply::Content::Template { .. } | reply::Content::Error { .. } => true,
    };
    if !is_written && Arc::strong_count(&recorder) > 1 {
        tracing::debug!(
            controller,
            "the page is not kept: its body is still to be written, by a stream that holds the site's data"
        );
        return (reply.record(None), None);
    }
    let Reads { groups, widened, is_partial } = recorder.close();
    (reply.record((!is_partial).then_some(groups)), widened)
}

/// Returns the groups that a reply to an unsafe request invalidates with `Cache-Group-Invalidation`
/// (RFC 9875, section 3). A field that is not a List of Strings is ignored as a whole (RFC 9651,
/// section 4.2), and so are parameters of its members.
fn named_by(reply: &Reply) -> Invalidation {
    let lines = reply.headers().get_all(CACHE_GROUP_INVALIDATION).iter();
    let field = lines.map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    let groups = strings_of(&field).unwrap_or_else(|error| {
        tracing::warn!(error, "a reply's Cache-Group-Invalidation is not a list of quoted strings");
        Vec::new()
    });
    groups.into_iter().fold(Invalidation::new(), Invalidation::group)
}

const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");
