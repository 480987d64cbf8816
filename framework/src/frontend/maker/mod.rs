//! Making pages: by a back end's controller, by a template, or both.
//!
//! - [`Maker::make`]: turns an [`Order`] into [`Made`] content; [`Maker::make_afresh`]: the same for the auditor.
//! - `fragments`: cached sections of templates, read from the cache and stored there.
//! - [`Maker::error_page`]: the response if a page cannot be made; `error_texts` contains the texts of the built-in
//!   ones.
//!
//! The maker does not decide whether a page is stored, or how it is sent.

mod error_page;
mod error_texts;
mod fragments;
mod made;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::advice::Advice;
use super::counters::{Counters, Event};
use super::end_to_end::{are_end_to_end, end_to_end};
use super::failure::{Failure, ReplyCaching};
use super::router::Order;
use super::sessions::Sessions;
use super::settings::Settings;
use crate::body::Body;
use crate::cache::{Cache, LogOrigin};
use crate::clock::{self, Moment};
use crate::computation::Code;
use crate::dispatch::{Audited, Target};
use crate::inline::InlineHashes;
use crate::link::{Answer, AnswerContent, Call, CallError, Link};
use crate::log::Position;
use crate::media_type;
use crate::request_values::RequestUses;
use crate::server::{Work, limited};
use crate::session::SessionRecord;
use crate::templates::{NoFragments, Rendered, Values};

pub(super) use fragments::UNAUDITED;
use fragments::{AuditedFragments, CachedFragments};
pub(super) use made::{Made, MadeContent};

/// Makes pages.
pub(super) struct Maker {
    settings: Arc<Settings>,
    link: Arc<Link>,
    /// The cache of fragments.
    cache: Arc<Cache>,
    advice: Arc<Advice>,
    counters: Arc<Counters>,
    sessions: Arc<Sessions>,
}

/// The making of one page.
#[derive(Clone, Copy)]
struct Making<'a> {
    order: &'a Order,
    /// The time before anything was read: content may be stale by anything that happens after it.
    begun: Moment,
    /// The log and position of the content; unknown while no log is followed.
    origin: Option<LogOrigin>,
    fragments: Source,
}

/// The source of a page's fragments.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// They are read from the cache and stored there.
    Cache,
    /// They are evaluated, and not stored.
    Template(Audited),
}

impl Maker {
    /// Creates a maker that calls the back ends at the other end of `link`.
    pub(super) fn new(
        (settings, cache, counters): (Arc<Settings>, Arc<Cache>, Arc<Counters>),
        advice: Arc<Advice>,
        link: Arc<Link>,
        sessions: Arc<Sessions>,
    ) -> Maker {
        Maker { settings, link, cache, advice, counters, sessions }
    }

    /// Makes the page of a controller's or a template's route. `body` is that of the request that the page is made
    /// for.
    pub(super) async fn make(
        &self,
        order: &Order,
        call: Call,
        body: Body,
    ) -> Result<(Made, ReplyCaching), Failure> {
        self.make_with(order, call, body, Source::Cache).await
    }

    /// Makes the same page without reading from the cache or storing anything in it. A fragment that is not `audited`
    /// is replaced by a part with the URL [`UNAUDITED`].
    pub(super) async fn make_afresh(
        &self,
        order: &Order,
        call: Call,
        audited: Audited,
    ) -> Result<(Made, ReplyCaching), Failure> {
        // No visitor has requested it.
        let call = Call { rate: None, ..call };
        self.make_with(order, call, Body::empty(), Source::Template(audited)).await
    }

    async fn make_with(
        &self,
        order: &Order,
        mut call: Call,
        body: Body,
        fragments: Source,
    ) -> Result<(Made, ReplyCaching), Failure> {
        let known = self.cache.position();
        let making = Making { order, begun: clock::now(), origin: known, fragments };
        let limit = call.body_limit.unwrap_or(self.settings.body_limit);
        let body = limited(body, limit, self.settings.body_pace)
            .map_err(|error| Failure::of_request_body(&error))?;
        match &order.route.target {
            Target::Template(name) => {
                let template = Code::template(name);
                let _turn = template.turn().await;
                return template.run(|| self.render_static(name, &call.params, making));
            }
            Target::Controller(_) => {}
            other @ (Target::Service(_)
            | Target::Files { .. }
            | Target::Alias(_)
            | Target::Redirect { .. }) => {
                let cause = format!("`{other}` is not content that can be made");
                return Err(Failure::internal(cause));
            }
        }
        let deadline = self.settings.deadline;
        call.log = known.map(|known| known.log);
        call.applied = known.map_or(Position::START, |known| known.as_of);
        call.deadline = deadline.as_millis() as u64;
        let runs_on = move |called: &Result<_, CallError>| {
            called.as_ref().is_err_and(CallError::may_run_on).then_some(deadline)
        };
        let calling = Work::run_to_end(order.work.clone(), self.link.call(call, body), runs_on);
        let (answer, body) = calling.await.map_err(failure_of_call)?;
        let AnswerContent::Template { name, .. } = &answer.content else {
            return self.made_of(answer, body, making);
        };
        let template = Code::template(name);
        let _turn = template.turn().await;
        template.run(|| self.made_of(answer, body, making))
    }

    fn render_static(
        &self,
        name: &str,
        params: &[(String, String)],
        making: Making<'_>,
    ) -> Result<(Made, ReplyCaching), Failure> {
        let mut values = Values::new();
        for (name, value) in params {
            set(&mut values, name, value)?;
        }
        if let Some(variant) = making.order.variant.name() {
            set(&mut values, "variant", variant)?;
        }
        let session = making.order.session.as_ref();
        let session = session.filter(|session| self.sessions.honours(session));
        set_session(&mut values, session).map_err(Failure::internal)?;
        let values = values.in_variant(making.order.variant.name());
        let values = of_request(values, making.order, name)?;
        self.render(making, name, &values, StatusCode::OK, HeaderMap::new())
    }

    /// Turns a controller's answer into content.
    fn made_of(
        &self,
        answer: Answer,
        body: Body,
        making: Making<'_>,
    ) -> Result<(Made, ReplyCaching), Failure> {
        let origin = Some(LogOrigin { log: answer.log, as_of: answer.as_of });
        if let Some(why) = &answer.widened {
            self.advice.widened(making.order.route.label(), why);
        }
        let status = StatusCode::from_u16(answer.status)
            .map_err(|_| Failure::internal(format!("{} is not a status", answer.status)))?;
        let mut headers = headers_of(&answer)?;
        if let Some(change) = answer.session {
            let changed = self.sessions.change(*change, answer.log, &mut headers);
            changed.map_err(Failure::internal)?;
        }
        if let Some(flash) = answer.flash {
            self.settings.flashes.leave(*flash, &mut headers).map_err(Failure::internal)?;
        }
        match answer.content {
            AnswerContent::Body => {
                let Answer { groups, recorded, cache, .. } = answer;
                let (content, inline) = (MadeContent::Body(body), InlineHashes::default());
                let page_headers = &self.settings.page_headers;
                let made = Made::new(status, headers, content, inline, page_headers);
                Ok((made, ReplyCaching { groups, recorded, cache, origin }))
            }
            AnswerContent::Template { name, values } => {
                let mut values = Values::from_packed(&values)
                    .map_err(|error| Failure::internal(format!("values of `{name}`: {error}")))?;
                if let Some(variant) = making.order.variant.name() {
                    values
                        .offer("variant", variant)
                        .map_err(|error| Failure::internal(error.to_string()))?;
                }
                let session = making.order.session.as_ref().filter(|_| answer.has_session);
                set_session(&mut values, session).map_err(Failure::internal)?;
                let values = values
                    .in_variant(making.order.variant.name())
                    .recorded_as(answer.recorded.as_deref());
                let values = of_request(values, making.order, &name)?;
                let making = Making { origin, ..making };
                let (made, mut caching) = self.render(making, &name, &values, status, headers)?;
                caching.groups.extend(answer.groups);
                let recorded = answer.recorded.zip(caching.recorded);
                caching.recorded = recorded.map(|(page, fragments)| {
                    let own: HashSet<&str> = page.iter().map(String::as_str).collect();
                    let new = |group: &String| !own.contains(group.as_str());
                    let beyond: Vec<String> = fragments.into_iter().filter(new).collect();
                    page.into_iter().chain(beyond).collect()
                });
                caching.cache = answer.cache;
                Ok((made, caching))
            }
            AnswerContent::Error { message, cause } => {
                let Answer { groups, recorded, cache, .. } = answer;
                let keeping = ReplyCaching { groups, recorded, cache, origin };
                let keeping = Some(Box::new(keeping));
                Err(Failure { cause, headers, keeping, ..Failure::new(status, message) })
            }
            AnswerContent::SignIn => Err(Failure::of_guest(status, headers)),
        }
    }

    fn render(
        &self,
        making: Making<'_>,
        name: &str,
        values: &Values,
        status: StatusCode,
        mut headers: HeaderMap,
    ) -> Result<(Made, ReplyCaching), Failure> {
        let Making { order, begun, origin, fragments } = making;
        let media_type = media_type::of(name);
        let sent = headers.get(header::CONTENT_TYPE).unwrap_or(&media_type);
        if media_type::is_markup(sent) && !media_type::is_markup(&media_type) {
            return Err(Failure::internal(format!(
                "the template `{name}` does not escape values, but is sent as {sent:?}, where \
                 `<` in a value would be markup: give it a name that ends in `.html` or `.xml`"
            )));
        }
        let templates = &order.edition.templates;
        if !order.is_for_one && templates.names_session(name) {
            return Err(Failure::internal(order.route.why_no_session(name)));
        }
        let mut shared = order.route.sharing_keys().filter(|_| order.is_for_one);
        if let Some(key) = shared.next().filter(|_| templates.names_session(name)) {
            return Err(Failure::internal(format!(
                "the template `{name}` names `session`, but `{key}` of the route lets downstream caches store the page for all \
                 visitors: remove it, or write browser = \"private, max-age=60\""
            )));
        }
        // A page for one client only receives all request values.
        let lacking = templates.names_of_request(name).without(order.request.known());
        let lacking = if self.settings.languages.is_empty() {
            lacking.without(RequestUses::LANG)
        } else {
            lacking
        };
        if !order.is_for_one && lacking != RequestUses::NONE {
            order.route.uses.add(lacking);
            return Err(Failure::internal(format!(
                "the template `{name}` uses {lacking} of the request, which the key of this page did not contain until now"
            )));
        }
        let key = order.key.as_ref().filter(|_| self.settings.caching);
        // Fragments are shared with other pages.
        let key = key.map(|key| key.without(|name| name.starts_with(':')));
        let (rendered, origin) = match (fragments, key) {
            (Source::Template(audited), _) => {
                (templates.render(name, values, Rc::new(AuditedFragments(audited))), origin)
            }
            (Source::Cache, None) => (templates.render(name, values, Rc::new(NoFragments)), origin),
            (Source::Cache, Some(key)) => {
                let generation = order.generation;
                let fragments = CachedFragments::new(
                    (&self.cache, &self.advice),
                    &self.settings,
                    &key,
                    (generation, begun),
                    origin,
                );
                let rendered = templates.render(name, values, fragments.clone());
                self.counters.count_all(Event::FragmentHit, fragments.found());
                self.counters.count_all(Event::FragmentMiss, fragments.missed());
                (rendered, fragments.origin())
            }
        };
        let Rendered { content, groups, recorded, contains } =
            rendered.map_err(|error| Failure::internal(error.to_string()))?;
        headers.entry(header::CONTENT_TYPE).or_insert(media_type);
        let inline = templates.inline_in(&content);
        let content = MadeContent::Rendered { content, contains };
        let mut made = Made::new(status, headers, content, inline, &self.settings.page_headers);
        let is_in_path = order.request.lang_in_path.is_some();
        if order.is_for_one && !is_in_path && templates.uses(name).has(RequestUses::LANG) {
            // For a page with a key, `Vary` follows from its route.
            made.terms.vary_by(self.settings.language_headers());
        }
        let recorded = Some(recorded);
        Ok((made, ReplyCaching { groups, recorded, cache: None, origin }))
    }
}

/// Adds the request values that a template uses, and no others, so that its fragments are shared by all pages with the
/// same ones.
fn of_request(values: Values, order: &Order, template: &str) -> Result<Values, Failure> {
    let uses = order.edition.templates.uses(template);
    let values = values.of_request(order.request.only(uses));
    values.map_err(|error| Failure::internal(error.to_string()))
}

/// Adds the session for a template that is rendered for one client.
fn set_session(values: &mut Values, session: Option<&Arc<SessionRecord>>) -> Result<(), String> {
    let Some(data) = session.and_then(|session| session.to_json()) else { return Ok(()) };
    values.set("session", &data).map_err(|error| error.to_string())
}

fn set(values: &mut Values, name: &str, value: &str) -> Result<(), Failure> {
    values.set(name.to_owned(), value).map_err(|error| Failure::internal(error.to_string()))
}

/// Returns the reply's headers that a controller may set. The server frames the body: a wrong length would make the
/// rest of the body the next response.
fn headers_of(answer: &Answer) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::with_capacity(answer.headers.len() + 8);
    for (name, value) in &answer.headers {
        let header =
            HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(value).ok());
        let (name, value) = header
            .ok_or_else(|| Failure::internal(format!("the header `{name}` has no valid value")))?;
        headers.append(name, value);
    }
    headers.remove(header::CONTENT_LENGTH);
    if are_end_to_end(&headers) {
        return Ok(headers);
    }
    let passed = end_to_end(&headers);
    Ok(passed.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn failure_of_call(error: CallError) -> Failure {
    const BUSY: &str = "The site is not available at the moment. Please try again soon.";
    let (status, message) = match &error {
        CallError::Body(error) => return Failure::of_request_body(error),
        CallError::NoBackend => (StatusCode::SERVICE_UNAVAILABLE, BUSY),
        CallError::Deadline(_) => {
            (StatusCode::GATEWAY_TIMEOUT, "The site took too long to answer.")
        }
        _ => (StatusCode::BAD_GATEWAY, BUSY),
    };
    let is_known = matches!(error, CallError::NoBackend);
    Failure { is_known, ..Failure::new(status, message).because(error.to_string()) }
}
