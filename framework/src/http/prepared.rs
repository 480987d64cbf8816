use std::convert::Infallible;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{Response, StatusCode};

use crate::body::Body;

/// An answer that was there before it was asked for, and can be written down as it is.
pub trait Prepared {
    /// The status.
    fn status(&self) -> StatusCode;

    /// How many seconds ago it was made or confirmed: its `Date` is then.
    fn age(&self) -> u64;

    /// Adds the headers to a head as HTTP/1.1 writes them, each with [the end of its line](write_line).
    /// All of them are [writable](is_writable), and there is one `Content-Length` besides, of what
    /// GET gets and not 0, except for 304.
    fn write_headers(&self, head: &mut Vec<u8>);

    /// What follows the head: nothing in answer to HEAD, and for 304.
    fn into_body(self) -> Bytes;

    /// The same answer in the usual form.
    fn into_response(self) -> Response<Body>;
}

/// Adds a line to a head.
pub fn write_line(head: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    head.extend_from_slice(name.as_str().as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// Whether a header is about the content alone, and neither about the connection nor about how the
/// message is framed and dated.
pub fn is_writable(name: &HeaderName) -> bool {
    !is_of_connection(name) && !matches!(*name, header::CONTENT_LENGTH | header::DATE)
}

/// Whether a header is about the connection, or about how the message is framed.
pub(super) fn is_of_connection(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION | header::TRANSFER_ENCODING | header::TRAILER | header::UPGRADE
    )
}

/// An answer that is there without waiting for anything.
#[derive(Debug)]
pub enum AtOnce<P> {
    /// It can be written down as it is.
    Prepared(P),
    /// It was put together.
    Response(Response<Body>),
}

impl<P: Prepared> AtOnce<P> {
    /// The answer in the usual form.
    pub fn into_response(self) -> Response<Body> {
        match self {
            AtOnce::Prepared(prepared) => prepared.into_response(),
            AtOnce::Response(response) => response,
        }
    }
}

/// Of those that have none.
impl Prepared for Infallible {
    fn status(&self) -> StatusCode {
        match *self {}
    }

    fn age(&self) -> u64 {
        match *self {}
    }

    fn write_headers(&self, _: &mut Vec<u8>) {
        match *self {}
    }

    fn into_body(self) -> Bytes {
        match self {}
    }

    fn into_response(self) -> Response<Body> {
        match self {}
    }
}
