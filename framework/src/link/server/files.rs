use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::HEAD_TIMEOUT;
use super::gate::{refusal, unreadable};
use crate::body::Body;
use crate::link::files::{Fetch, Fetched};
use crate::link::wire::{self, Wire};
use crate::link::{BackEndRefusal, FILES_LIMIT, FileLookup, Host, frame};

/// Answers with the present state of files according to the log.
pub(super) async fn lookup<H: Host>(host: &H, stream: Incoming) -> Response<Body> {
    let lookup = match question::<FileLookup>(stream).await {
        Ok(lookup) => lookup,
        Err(refused) => return *refused,
    };
    match host.lookup(lookup).await {
        Ok(found) => answer(&found, Body::empty()),
        Err(BackEndRefusal { message }) => refusal(StatusCode::SERVICE_UNAVAILABLE, message),
    }
}

/// Sends a content. It does not count as a call: when this back end stops, the front end resumes
/// the transfer elsewhere, or later.
pub(super) async fn content<H: Host>(host: &H, stream: Incoming) -> Response<Body> {
    let Fetch { content, offset } = match question(stream).await {
        Ok(fetch) => fetch,
        Err(refused) => return *refused,
    };
    match host.content(content, offset).await {
        Ok(Some(body)) => answer(&Fetched::Here, body),
        Ok(None) => answer(&Fetched::Absent, Body::empty()),
        Err(BackEndRefusal { message }) => refusal(StatusCode::INTERNAL_SERVER_ERROR, message),
    }
}

async fn question<T: DeserializeOwned>(stream: Incoming) -> Result<T, Box<Response<Body>>> {
    let read = tokio::time::timeout(HEAD_TIMEOUT, wire::read::<T>(stream, FILES_LIMIT)).await;
    match read {
        Ok(Ok((question, _))) => Ok(question),
        Ok(Err(error)) => Err(Box::new(unreadable(&error))),
        Err(_) => {
            let message = "the question did not arrive in time";
            Err(Box::new(refusal(StatusCode::REQUEST_TIMEOUT, message)))
        }
    }
}

fn answer(head: &impl Serialize, body: Body) -> Response<Body> {
    match frame::encode(head, FILES_LIMIT) {
        Ok(head) => Response::new(Body::stream(Wire::new(head, body))),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}
