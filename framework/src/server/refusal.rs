//! The responses of the server itself.

use std::time::SystemTime;

use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

use super::finish::finish;
use crate::body::{Body, text};
use crate::http::host::HostError;

/// Reason why a request or a connection is not passed to the handler, or the handler has no
/// response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("The request has too many headers.")]
    TooManyHeaders,
    #[error("The only transfer coding that is understood here is `chunked`, applied once.")]
    TransferCoding,
    #[error("The request took too long to arrive.")]
    SlowHead,
    #[error("There are too many connections")]
    TooManyConnections,
    #[error("Internal Server Error")]
    Panicked,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Refusal::Host(_) => HostError::STATUS,
            Refusal::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            // RFC 9112, section 6.1.
            Refusal::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Refusal::SlowHead => StatusCode::REQUEST_TIMEOUT,
            Refusal::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns whether no further request can follow on the connection.
    fn ends_connection(self) -> bool {
        match self {
            // The beginning of the next request is uncertain.
            Refusal::TransferCoding => true,
            Refusal::SlowHead | Refusal::TooManyConnections => true,
            Refusal::Host(_) | Refusal::TooManyHeaders | Refusal::Panicked => false,
        }
    }

    /// Returns the response.
    pub(crate) fn response(self) -> Response<Body> {
        let message = format!("{self}\n");
        let length = HeaderValue::from(message.len());
        let mut response = text(self.status(), message);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length);
        if self.ends_connection() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self == Refusal::TooManyConnections {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// Returns the response as HTTP/1.1 bytes, for a connection that hyper does not own.
    pub(super) fn written(self) -> Vec<u8> {
        let mut response = self.response();
        finish(response.headers_mut());
        let date = httpdate::fmt_http_date(SystemTime::now());
        let mut written =
            format!("HTTP/1.1 {}\r\ndate: {date}\r\n", response.status()).into_bytes();
        for (name, value) in response.headers() {
            for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                written.extend_from_slice(piece);
            }
        }
        written.extend_from_slice(b"\r\n");
        written.extend_from_slice(format!("{self}\n").as_bytes());
        written
    }
}
