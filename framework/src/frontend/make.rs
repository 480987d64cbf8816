//! How content is made: by a back end's controller, by a template, or both.

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::FrontEnd;
use super::failure::Failure;
use super::forward::{Forwarded, end_to_end};
use crate::body::{Body, BodyError};
use crate::cache::Origin;
use crate::dispatch::Target;
use crate::link::{Answer, Call, CallError, Content};
use crate::log::Position;
use crate::media_type;
use crate::templates::Values;

/// Content as it comes from where it is made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Groups that the reply named, beyond those of its route.
    pub(super) groups: Vec<String>,
    /// From when it is; unknown while no log is followed.
    pub(super) origin: Option<Origin>,
}

/// What is needed to make content.
#[derive(Debug, Clone)]
pub(super) struct Order<'a> {
    pub(super) target: &'a Target,
    pub(super) forwarded: Forwarded,
    pub(super) params: Vec<(String, String)>,
    /// The longest request body, where the route says so.
    pub(super) max_body: Option<u64>,
    pub(super) request_id: &'a str,
}

impl FrontEnd {
    /// Makes the content of a controller's or a template's route.
    pub(super) async fn make(&self, order: Order<'_>, body: Body) -> Result<Made, Failure> {
        // From before anything is looked at: what happens meanwhile makes the content old.
        let origin = self.cache.position();
        match order.target {
            Target::Template(name) => self.render_static(name, &order, origin),
            Target::Controller(name) => self.call(name, order, origin, body).await,
            other => Err(Failure::internal(format!("`{other}` is not content that can be made"))),
        }
    }

    fn render_static(
        &self,
        name: &str,
        order: &Order<'_>,
        origin: Option<Origin>,
    ) -> Result<Made, Failure> {
        let mut values = Values::new();
        for (name, value) in &order.params {
            set(&mut values, name, value)?;
        }
        if let Some(variant) = &order.forwarded.variant {
            set(&mut values, "variant", variant)?;
        }
        self.render(name, &values, StatusCode::OK, HeaderMap::new(), origin)
    }

    fn render(
        &self,
        name: &str,
        values: &Values,
        status: StatusCode,
        mut headers: HeaderMap,
        origin: Option<Origin>,
    ) -> Result<Made, Failure> {
        let page = self.templates.render(name, values);
        let page = page.map_err(|error| Failure::internal(error.to_string()))?;
        headers.entry(header::CONTENT_TYPE).or_insert_with(|| media_type::of(name));
        Ok(Made { status, headers, body: page.into(), groups: Vec::new(), origin })
    }

    async fn call(
        &self,
        controller: &str,
        order: Order<'_>,
        known: Option<Origin>,
        body: Body,
    ) -> Result<Made, Failure> {
        let Order { forwarded, params, max_body, request_id, .. } = order;
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
        };
        let (answer, body) = self.link.call(call, body).await.map_err(failure_of_call)?;
        let origin = Some(Origin { log: answer.log, as_of: answer.as_of });
        let status = StatusCode::from_u16(answer.status)
            .map_err(|_| Failure::internal(format!("status {} is none", answer.status)))?;
        let headers = headers_of(&answer)?;
        match answer.content {
            Content::Body => Ok(Made { status, headers, body, groups: answer.groups, origin }),
            Content::Template { name, values } => {
                let values = Values::from_json(&values)
                    .map_err(|error| Failure::internal(format!("values of `{name}`: {error}")))?;
                let made = self.render(&name, &values, status, headers, origin)?;
                Ok(Made { groups: answer.groups, ..made })
            }
            Content::Error { message, cause } => {
                Err(Failure { status, message, cause, headers, is_known: false })
            }
        }
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

/// A body that was at hand, or that proved too long to be kept.
pub(super) enum Collected {
    Whole(bytes::Bytes),
    TooLong(Body),
}

/// Reads a body, but no more than `limit` bytes of it.
pub(super) async fn collect(mut body: Body, limit: u64) -> Result<Collected, BodyError> {
    use http_body::Body as _;
    use http_body_util::{BodyExt, StreamBody};

    if body.size_hint().lower() > limit {
        return Ok(Collected::TooLong(body));
    }
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len() as u64;
        read.push(data);
        if length > limit {
            let read = read.into_iter().map(|data| Ok(http_body::Frame::data(data)));
            let read = StreamBody::new(futures_util::stream::iter(read));
            return Ok(Collected::TooLong(Body::stream(chain(read, body))));
        }
    }
    Ok(Collected::Whole(match read.len() {
        1 => read.swap_remove(0),
        _ => read.concat().into(),
    }))
}

/// One body after the other.
fn chain<A, B>(first: A, second: B) -> impl http_body::Body<Data = bytes::Bytes, Error = BodyError>
where
    A: http_body::Body<Data = bytes::Bytes, Error = BodyError> + Send + Unpin + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error = BodyError> + Send + Unpin + 'static,
{
    use futures_util::StreamExt;
    use http_body_util::{BodyStream, StreamBody};
    StreamBody::new(BodyStream::new(first).chain(BodyStream::new(second)))
}
