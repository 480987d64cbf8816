//! What the responses with many pages have in common.
//!
//! The pages of a site differ in their bytes, and so in length, tag and date. What else their
//! responses say is mostly the same for thousands of them. So a page holds its own values and shares
//! the rest: as a map, and as the lines that HTTP/1.1 writes.

use std::sync::OnceLock;
use std::time::SystemTime;

use http::StatusCode;
use http::header::{self, Entry as Place, HeaderMap, HeaderName, HeaderValue};

use super::form::{Form, tag_in};
use crate::http::Coding;

/// How the cache took part in a response (RFC 9211).
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the responses with a page are to say, but for the values that are the page's own.
#[derive(Debug, Default)]
pub struct Outline {
    /// The status.
    pub status: StatusCode,
    /// The headers of the content as it is, without those below, `Age` and `Cache-Status`.
    pub headers: HeaderMap,
    /// Those of them that go with a 304 (RFC 9110, section 15.4.5).
    pub not_modified: HeaderMap,
    /// Whether a response tells its length.
    pub has_length: bool,
    /// The tag.
    pub tag: Tag,
    /// The date.
    pub date: Date,
    /// Whether the page may be sent in a coding.
    pub is_encoded: bool,
}

/// The tag of a page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Tag {
    /// It has none.
    #[default]
    None,
    /// It is made of the digest of the bytes.
    OfBytes,
    /// It is put together for each response, of those of its parts.
    OfParts,
    /// The controller has given one.
    Given(HeaderValue),
}

/// The date of a page.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// It has none.
    #[default]
    None,
    /// When it was made: a page of its own value.
    OfPage,
    /// The controller has given one, which is among the headers.
    Given(SystemTime),
}

/// What the responses with many pages have in common.
#[derive(Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    pub(super) tag: Tag,
    pub(super) date: Date,
    pub(super) has_length: bool,
    plain: Lines,
    encoded: Option<Lines>,
    not_modified: Lines,
    is_plain: bool,
    told: OnceLock<u64>,
}

/// Headers in one form.
#[derive(Debug)]
pub(super) struct Lines {
    /// All of them, with places for values of the page's own: to replace a value costs little, but
    /// one name more would make the copied map grow.
    pub(super) map: HeaderMap,
    /// Those before the places, as HTTP/1.1 writes them.
    pub(super) text: Box<[u8]>,
}

impl Head {
    /// The headers in all forms.
    pub fn new(outline: Outline) -> Head {
        let Outline { status, headers, not_modified, has_length, tag, date, is_encoded } = outline;
        let length = has_length.then_some(header::CONTENT_LENGTH);
        let validators = [
            (tag != Tag::None).then_some(header::ETAG),
            (date == Date::OfPage).then_some(header::LAST_MODIFIED),
        ];
        let always = [header::AGE, CACHE_STATUS];
        let places = || length.iter().chain(validators.iter().flatten()).chain(&always).cloned();
        let encoded = is_encoded.then(|| {
            let has_tag = match &tag {
                Tag::Given(tag) => tag_in(tag.as_bytes(), Coding::Gzip).is_some(),
                _ => true,
            };
            let places = places().filter(|name| has_tag || name != header::ETAG);
            Lines::new(&headers, [header::CONTENT_ENCODING].into_iter().chain(places))
        });
        let places_304 = validators.iter().flatten().chain(&always).cloned();
        Head {
            status,
            plain: Lines::new(&headers, places()),
            encoded,
            not_modified: Lines::new(&not_modified, places_304),
            is_plain: status == StatusCode::OK && has_length && headers.keys().all(is_plain),
            tag,
            date,
            has_length,
            told: OnceLock::new(),
        }
    }

    /// The headers of the content as it is. Those that are a page's own have no real values.
    pub fn headers(&self) -> &HeaderMap {
        &self.plain.map
    }

    /// The same for content in a coding, if it may be sent so. That is gzip until another one is put
    /// in.
    pub fn encoded(&self) -> Option<&HeaderMap> {
        self.encoded.as_ref().map(|lines| &lines.map)
    }

    /// Whether the lines of a response are all that is to be written before its body, but for the
    /// status and the date.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// A number for what the headers tell caches further out, as `find_out` makes it.
    pub fn told(&self, find_out: fn(&HeaderMap) -> u64) -> u64 {
        *self.told.get_or_init(|| find_out(&self.plain.map))
    }

    pub(super) fn lines(&self, form: Form) -> &Lines {
        match form {
            Form::Plain => &self.plain,
            Form::Encoded(_) => self.encoded.as_ref().unwrap_or(&self.plain),
            Form::NotModified(_) => &self.not_modified,
        }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        let forms = [&self.plain, &self.not_modified].into_iter().chain(&self.encoded);
        size_of::<Head>() + forms.map(Lines::size).sum::<usize>()
    }
}

impl Lines {
    fn new(headers: &HeaderMap, places: impl Iterator<Item = HeaderName>) -> Lines {
        let mut map = headers.clone();
        for name in places {
            let value = match name {
                header::CONTENT_ENCODING => HeaderValue::from_static("gzip"),
                _ => HeaderValue::from_static("0"),
            };
            match map.entry(name) {
                Place::Vacant(place) => drop(place.insert(value)),
                Place::Occupied(_) => unreachable!("an outline holds no values of a page's own"),
            }
        }
        let mut text = Vec::new();
        for (name, value) in headers {
            write_line(&mut text, name, value.as_bytes());
        }
        Lines { map, text: text.into() }
    }

    /// A map has places for names, values and their order, up to a third of them empty.
    fn size(&self) -> usize {
        const PLACE: usize = 130;
        let values = self.map.values().map(|value| value.len() + PLACE);
        values.sum::<usize>() + self.text.len()
    }
}

/// Adds a line to a head.
pub(super) fn write_line(head: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    head.extend_from_slice(name.as_str().as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// Whether a header is about the content alone, and neither about the connection nor about how the
/// message is framed and dated.
fn is_plain(name: &HeaderName) -> bool {
    !matches!(
        *name,
        header::CONNECTION
            | header::TRANSFER_ENCODING
            | header::TRAILER
            | header::UPGRADE
            | header::CONTENT_LENGTH
            | header::DATE
    )
}
