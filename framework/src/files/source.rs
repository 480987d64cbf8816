//! A version of a file, and the response with it.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};

use super::body::FileBody;
use super::open::OpenFile;
use crate::body::Body;
use crate::http::conditions::{Current, Precondition, evaluate};
use crate::http::names::CDN_CACHE_CONTROL;
use crate::http::negotiation::Coding;
use crate::http::ranges::{self, Partial, Selection};
use crate::http::validators::shown_date;

/// Content and the metadata for its headers.
#[derive(Debug)]
pub(super) struct Source {
    /// The content.
    pub content: SourceContent,
    /// The length in bytes.
    pub length: u64,
    /// The strong entity tag, quoted, if known.
    pub tag: Option<HeaderValue>,
    /// The modification time, if known.
    pub modified: Option<SystemTime>,
    /// The media type.
    pub media_type: HeaderValue,
    /// The content coding.
    pub coding: Coding,
    /// Whether it was selected by `Accept-Encoding`.
    pub negotiated: bool,
}

/// The location of the content.
#[derive(Debug)]
pub(super) enum SourceContent {
    /// An open file, read while it is sent.
    File(OpenFile),
    /// Bytes in memory.
    Bytes(Bytes),
}

/// The caching headers of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caching {
    /// The value of `Cache-Control`.
    pub browser: HeaderValue,
    /// The value of `CDN-Cache-Control` (RFC 9213), if it differs.
    pub cdn: Option<HeaderValue>,
}

impl Caching {
    /// Every cache may store the file, and must validate it on each use.
    pub(crate) const CONFIRM: Caching =
        Caching { browser: HeaderValue::from_static("no-cache"), cdn: None };

    /// Every cache may store the file forever: the name always identifies the same content (RFC 8246).
    pub(crate) const IMMUTABLE: Caching = Caching {
        browser: HeaderValue::from_static("public, max-age=31536000, immutable"),
        cdn: None,
    };
}

impl Default for Caching {
    fn default() -> Caching {
        Caching::CONFIRM
    }
}

impl Current for Source {
    fn has_tag(&self, tag: &[u8]) -> bool {
        self.tag.as_ref().is_some_and(|own| own.as_bytes() == tag)
    }

    fn last_modified(&self) -> Option<SystemTime> {
        self.modified
    }
}

impl Source {
    /// Creates a source without metadata: length 0, no tag and no date, `application/octet-stream`.
    pub(super) fn of(content: SourceContent) -> Source {
        Source {
            content,
            length: 0,
            tag: None,
            modified: None,
            media_type: HeaderValue::from_static("application/octet-stream"),
            coding: Coding::Identity,
            negotiated: false,
        }
    }

    /// Returns the response to a `GET` or `HEAD` with these headers: 200, 206, 304, 412 or 416.
    pub(super) fn send(
        self,
        method: &Method,
        headers: &HeaderMap,
        caching: &Caching,
    ) -> Response<Body> {
        match evaluate(method, headers, &self) {
            Precondition::Proceed => {}
            Precondition::NotModified => {
                return self.respond(StatusCode::NOT_MODIFIED, caching, Body::empty());
            }
            Precondition::Failed => return refuse(StatusCode::PRECONDITION_FAILED),
        }
        match ranges::select(method, headers, self.length, &self) {
            Selection::Whole => self.whole(method, caching),
            Selection::Partial(ranges) => self.partial(&ranges, caching),
            Selection::Unsatisfiable => {
                let mut response = refuse(StatusCode::RANGE_NOT_SATISFIABLE);
                let length = ranges::unsatisfiable(self.length);
                response.headers_mut().insert(header::CONTENT_RANGE, length);
                response
            }
        }
    }

    fn whole(mut self, method: &Method, caching: &Caching) -> Response<Body> {
        let body = match (std::mem::take(&mut self.content), *method == Method::HEAD) {
            (_, true) => Body::empty(),
            (SourceContent::Bytes(bytes), false) => bytes.into(),
            (SourceContent::File(file), false) => Body::stream(FileBody::whole(file, self.length)),
        };
        let mut response = self.respond(StatusCode::OK, caching, body);
        response.headers_mut().insert(header::CONTENT_LENGTH, self.length.into());
        response
    }

    fn partial(mut self, ranges: &ranges::Ranges, caching: &Caching) -> Response<Body> {
        let partial = ranges.answer(Some(&self.media_type));
        let body = match std::mem::take(&mut self.content) {
            SourceContent::Bytes(bytes) => Body::pieces(partial.cut(&[bytes])),
            SourceContent::File(file) => {
                Body::stream(FileBody::new(file, partial.segments().iter().cloned()))
            }
        };
        let mut response = self.respond(Partial::STATUS, caching, body);
        partial.insert_into(response.headers_mut());
        response
    }

    fn respond(&self, status: StatusCode, caching: &Caching, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Some(tag) = &self.tag {
            headers.insert(header::ETAG, tag.clone());
        }
        if let Some(modified) = self.modified {
            headers.insert(header::LAST_MODIFIED, shown_date(modified, SystemTime::now()));
        }
        headers.insert(header::CACHE_CONTROL, caching.browser.clone());
        if let Some(cdn) = &caching.cdn {
            headers.insert(CDN_CACHE_CONTROL, cdn.clone());
        }
        if self.negotiated {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if status != StatusCode::NOT_MODIFIED {
            headers.insert(header::CONTENT_TYPE, self.media_type.clone());
            if let Some(coding) = self.coding.content_encoding() {
                headers.insert(header::CONTENT_ENCODING, coding);
            }
        }
        response
    }
}

impl Default for SourceContent {
    fn default() -> SourceContent {
        SourceContent::Bytes(Bytes::new())
    }
}

/// Returns a response without content that must not be stored.
fn refuse(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
