//! How content is made: by a back end's controller, by a template, or both.

use std::rc::Rc;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::counters::Event;
use super::failure::{Failure, Keeping};
use super::forward::{Forwarded, end_to_end};
use super::fragments::CachedFragments;
use super::{Edition, FrontEnd, respond};
use crate::body::Body;
use crate::cache::{Generation, Key, Origin};
use crate::clock::{self, Moment};
use crate::computation::Code;
use crate::dispatch::{CacheType, Target};
use crate::link::{Answer, Call, CallError, Content};
use crate::log::Position;
use crate::media_type;
use crate::pieces::Pieces;
use crate::server::Work;
use crate::templates::{NoFragments, Rendered, Values};

/// Content as it comes from where it is made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: MadeContent,
    /// Groups that the reply named, beyond those of its route.
    pub(super) groups: Vec<String>,
    /// How the reply wants to be cached, when not as its route says.
    pub(super) cache: Option<CacheType>,
    /// From when it is; unknown while no log is followed.
    pub(super) origin: Option<Origin>,
}

/// The body of what was made.
#[derive(Debug)]
pub(super) enum MadeContent {
    /// From a controller, as it comes.
    Body(Body),
    /// From a template, with the ids of the fragments in it.
    Rendered { content: Pieces, contains: Vec<String> },
}

impl MadeContent {
    /// For a response that is not kept.
    pub(super) fn into_body(self) -> Body {
        match self {
            MadeContent::Body(body) => body,
            MadeContent::Rendered { content, .. } => respond::body(&content),
        }
    }
}

/// What is needed to make content.
#[derive(Debug, Clone)]
pub(super) struct Order<'a> {
    pub(super) edition: &'a Edition,
    /// What [`Cache::generation`](crate::cache::Cache::generation) said before the edition was taken.
    pub(super) generation: Generation,
    pub(super) target: &'a Target,
    pub(super) forwarded: Forwarded,
    pub(super) params: Vec<(String, String)>,
    /// The key of the content, which fragments in it share; `None` if they are neither found nor
    /// kept.
    pub(super) fragments: Option<Key<'a>>,
    /// The longest request body, where the route says so.
    pub(super) max_body: Option<u64>,
    /// The path of the cached page that this request may change.
    pub(super) own_url: Option<String>,
    pub(super) request_id: &'a str,
    /// What the visitor's connection is held to until the call has ended.
    pub(super) work: Option<Work>,
}

/// When and from what content was begun.
#[derive(Clone, Copy)]
struct Begun {
    generation: Generation,
    at: Moment,
    origin: Option<Origin>,
}

/// Where a template is rendered.
struct Place<'a> {
    edition: &'a Edition,
    /// As in the order.
    fragments: Option<Key<'a>>,
    begun: Begun,
}

impl FrontEnd {
    /// Makes the content of a controller's or a template's route.
    pub(super) async fn make(&self, mut order: Order<'_>, body: Body) -> Result<Made, Failure> {
        // From before anything is looked at: what happens meanwhile makes the content old.
        let generation = order.generation;
        let begun = Begun { generation, at: clock::now(), origin: self.cache.position() };
        let controller = match order.target {
            Target::Template(name) => {
                let template = Code::template(name);
                let _turn = template.turn().await;
                return template.run(|| self.render_static(name, order, begun));
            }
            Target::Controller(name) => name,
            other => {
                let cause = format!("`{other}` is not content that can be made");
                return Err(Failure::internal(cause));
            }
        };
        let variant = order.forwarded.variant.clone();
        let work = order.work.take();
        let (call, place) = self.call(controller, order, begun);
        let deadline = self.settings.deadline;
        let runs_on = move |called: &Result<_, CallError>| {
            called.as_ref().is_err_and(CallError::may_run_on).then_some(deadline)
        };
        let calling = Work::see_through(work, self.link.call(call, body), runs_on);
        let (answer, body) = calling.await.map_err(failure_of_call)?;
        let Content::Template { name, .. } = &answer.content else {
            return self.made_of(answer, body, place, variant);
        };
        let template = Code::template(name);
        let _turn = template.turn().await;
        template.run(|| self.made_of(answer, body, place, variant))
    }

    fn render_static(&self, name: &str, order: Order<'_>, begun: Begun) -> Result<Made, Failure> {
        let mut values = Values::new();
        for (name, value) in &order.params {
            set(&mut values, name, value)?;
        }
        if let Some(variant) = &order.forwarded.variant {
            set(&mut values, "variant", variant)?;
        }
        let place = Place { edition: order.edition, fragments: order.fragments, begun };
        self.render(place, name, &values, StatusCode::OK, HeaderMap::new())
    }

    /// The call of a controller, and where a template that it names is rendered.
    fn call<'a>(&self, controller: &str, order: Order<'a>, begun: Begun) -> (Call, Place<'a>) {
        let Order { edition, forwarded, params, fragments, max_body, own_url, request_id, .. } =
            order;
        let known = begun.origin;
        let call = Call {
            controller: controller.to_owned(),
            method: forwarded.method.as_str().to_owned(),
            uri: forwarded.uri,
            params,
            headers: forwarded.headers,
            exposure: forwarded.exposure,
            variant: forwarded.variant,
            log: known.map(|known| known.log),
            applied: known.map_or(Position::START, |known| known.as_of),
            body_limit: max_body,
            request_id: request_id.to_owned(),
            remote: forwarded.remote,
            deadline: self.settings.deadline.as_millis() as u64,
            own_url,
        };
        (call, Place { edition, fragments, begun })
    }

    /// What a controller has answered.
    fn made_of(
        &self,
        answer: Answer,
        body: Body,
        place: Place<'_>,
        variant: Option<String>,
    ) -> Result<Made, Failure> {
        let origin = Origin { log: answer.log, as_of: answer.as_of };
        let status = StatusCode::from_u16(answer.status)
            .map_err(|_| Failure::internal(format!("status {} is none", answer.status)))?;
        let headers = headers_of(&answer)?;
        match answer.content {
            Content::Body => {
                let content = MadeContent::Body(body);
                let (groups, cache) = (answer.groups, answer.cache);
                Ok(Made { status, headers, content, groups, cache, origin: Some(origin) })
            }
            Content::Template { name, values } => {
                let mut values = Values::from_packed(&values)
                    .map_err(|error| Failure::internal(format!("values of `{name}`: {error}")))?;
                if let Some(variant) = &variant {
                    values
                        .offer("variant", variant)
                        .map_err(|error| Failure::internal(error.to_string()))?;
                }
                let begun = Begun { origin: Some(origin), ..place.begun };
                let place = Place { begun, ..place };
                let mut made = self.render(place, &name, &values, status, headers)?;
                made.groups.extend(answer.groups);
                made.cache = answer.cache;
                Ok(made)
            }
            Content::Error { message, cause } => {
                let keeping = Keeping { groups: answer.groups, cache: answer.cache, origin };
                let keeping = Some(Box::new(keeping));
                Err(Failure { status, message, cause, headers, is_known: false, keeping })
            }
        }
    }

    fn render(
        &self,
        place: Place<'_>,
        name: &str,
        values: &Values,
        status: StatusCode,
        mut headers: HeaderMap,
    ) -> Result<Made, Failure> {
        let Place { edition, fragments, begun: Begun { generation, at, origin } } = place;
        let media_type = media_type::of(name);
        let sent = headers.get(header::CONTENT_TYPE).unwrap_or(&media_type);
        if media_type::is_markup(sent) && !media_type::is_markup(&media_type) {
            return Err(Failure::internal(format!(
                "the template `{name}` does not escape values, but is to be sent as {sent:?}, where \
                 `<` in a value would be markup: give it a name that ends in `.html` or `.xml`"
            )));
        }
        let (rendered, origin) = match fragments.filter(|_| self.settings.caching) {
            None => (edition.templates.render(name, values, Rc::new(NoFragments)), origin),
            Some(key) => {
                let fragments = CachedFragments::new(
                    &self.cache,
                    &self.settings,
                    &key,
                    (generation, at),
                    origin,
                );
                let rendered = edition.templates.render(name, values, fragments.clone());
                self.counters.count_all(Event::FragmentHit, fragments.found());
                self.counters.count_all(Event::FragmentMiss, fragments.missed());
                (rendered, fragments.origin())
            }
        };
        let Rendered { content, groups, contains } =
            rendered.map_err(|error| Failure::internal(error.to_string()))?;
        headers.entry(header::CONTENT_TYPE).or_insert(media_type);
        let content = MadeContent::Rendered { content, contains };
        Ok(Made { status, headers, content, groups, cache: None, origin })
    }
}

fn set(values: &mut Values, name: &str, value: &str) -> Result<(), Failure> {
    values.set(name.to_owned(), value).map_err(|error| Failure::internal(error.to_string()))
}

/// The reply's headers as far as they are the controller's business: how the body is framed is
/// the server's, and a length that is wrong would make the rest of the body the next response.
fn headers_of(answer: &Answer) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::with_capacity(answer.headers.len() + 4);
    for (name, value) in &answer.headers {
        let header =
            HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(value).ok());
        let (name, value) = header
            .ok_or_else(|| Failure::internal(format!("the header `{name}` has no valid value")))?;
        headers.append(name, value);
    }
    headers.remove(header::CONTENT_LENGTH);
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
