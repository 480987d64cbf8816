//! The representations in which a page is sent, and the headers of each.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};

use super::header_template::{DateSource, TagSource};
use super::page::{LastModified, Page};
use crate::http::Coding;
use crate::http::names::CACHE_STATUS;
use crate::http::validators::{SETTLED, shown_date};

/// The representation in which a page is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representation {
    /// Without a coding.
    Plain,
    /// In a coding.
    Encoded(Coding),
    /// Not at all: the client already has it, in this coding (304).
    NotModified(Coding),
}

/// The values of a response that other responses with the same page do not share.
#[derive(Debug, Clone)]
pub struct Present {
    /// Whether the page's date can no longer be mistaken for that of another version.
    pub is_settled: bool,
    /// The value of `Cache-Status`.
    pub cache_status: HeaderValue,
}

impl Page {
    /// Returns the headers of a response with the page in this representation: the shared ones and
    /// the page's own.
    pub fn headers(&self, representation: Representation, present: Present) -> HeaderMap {
        let header_template = &*self.header_template;
        let mut headers = header_template.template_of(representation).clone();
        let (coding, length) = match representation {
            Representation::Plain => (Coding::Identity, Some(self.body.len())),
            Representation::Encoded(coding) => (coding, self.encoded(coding).map(Bytes::len)),
            Representation::NotModified(coding) => (coding, None),
        };
        if let Representation::Encoded(coding) = representation {
            let coding = HeaderValue::from_static(coding.name());
            headers.insert(header::CONTENT_ENCODING, coding);
        }
        if let Some(length) = length.filter(|_| header_template.has_length) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if let Some(tag) = self.tag_of(coding) {
            headers.insert(header::ETAG, tag);
        }
        if header_template.date == DateSource::OfPage {
            let shown = if present.is_settled { SETTLED } else { Duration::ZERO };
            let date = shown_date(self.modified(), self.modified() + shown);
            headers.insert(header::LAST_MODIFIED, date);
        }
        headers.insert(CACHE_STATUS, present.cache_status);
        headers
    }

    /// Returns the status of a response with the page in this representation.
    pub fn status_as(&self, representation: Representation) -> StatusCode {
        match representation {
            Representation::Plain | Representation::Encoded(_) => self.status(),
            Representation::NotModified(_) => StatusCode::NOT_MODIFIED,
        }
    }

    /// Returns the strong tag of the content without a coding, or the tag that the controller has
    /// set.
    pub fn tag(&self) -> Option<HeaderValue> {
        self.tag_of(Coding::Identity)
    }

    fn tag_of(&self, coding: Coding) -> Option<HeaderValue> {
        match &self.header_template.tag {
            TagSource::None | TagSource::OfParts => None,
            TagSource::Given(tag) if coding == Coding::Identity => Some(tag.clone()),
            TagSource::Given(tag) => tag_in(tag, coding),
            TagSource::OfBytes => Some(tag_of_digest(self.digest(), coding)),
        }
    }

    /// Returns when this version was made, if dates distinguish it from others.
    pub fn last_modified(&self) -> Option<LastModified> {
        match self.header_template.date {
            DateSource::None => None,
            DateSource::OfPage => Some(LastModified { time: self.modified(), is_given: false }),
            DateSource::Given(time) => Some(LastModified { time, is_given: true }),
        }
    }
}

/// The length of the longest tag derived from bytes: quotes, 32 digits, and `-` with the name of a
/// coding.
const TAG: usize = 2 + 32 + 9;

/// Returns the strong tag of content with this digest in a coding.
pub(crate) fn tag_of_digest(digest: u128, coding: Coding) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'"'; TAG];
    for (byte, digits) in digest.to_be_bytes().into_iter().zip(text[1..].chunks_exact_mut(2)) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    let mut end = 33;
    if coding != Coding::Identity {
        let name = coding.name().as_bytes();
        text[end] = b'-';
        text[end + 1..][..name.len()].copy_from_slice(name);
        end += 1 + name.len();
    }
    text[end] = b'"';
    HeaderValue::from_bytes(&text[..=end]).expect("a tag is made of digits and letters in quotes")
}

/// Returns the tag of the same content in a coding: `"TAG-gzip"` for `"TAG"`. `None` if the value
/// is not a tag.
pub(crate) fn tag_in(identity: &HeaderValue, coding: Coding) -> Option<HeaderValue> {
    let identity = identity.as_bytes();
    let start = identity.strip_suffix(b"\"").filter(|start| start.contains(&b'"'))?;
    HeaderValue::from_bytes(&[start, b"-", coding.name().as_bytes(), b"\""].concat()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::super::header_template::{HeaderSpec, HeaderTemplate};
    use super::super::page::Encoded;
    use super::*;

    const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];

    fn page(spec: HeaderSpec, length: usize) -> Page {
        let body = Bytes::from(vec![b'a'; length]);
        let page = Page::new(Arc::new(HeaderTemplate::new(spec)), body.into(), SystemTime::now());
        let encoded = CODINGS.map(|coding| Encoded { coding, body: vec![b'b'; 9].into() });
        page.later.put_encodings(encoded.into());
        page
    }

    fn spec(tag: TagSource) -> HeaderSpec {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))];
        let headers = HeaderMap::from_iter(headers);
        HeaderSpec { headers, has_length: true, tag, may_be_encoded: true, ..HeaderSpec::default() }
    }

    fn present() -> Present {
        let cache_status = HeaderValue::from_static("headwater; hit");
        Present { is_settled: true, cache_status }
    }

    #[test]
    fn each_form_has_a_tag_and_a_length_of_its_own() {
        let of_bytes = page(spec(TagSource::OfBytes), 8192);
        let digest = format!("{:032x}", of_bytes.digest());
        let given = page(spec(TagSource::Given(HeaderValue::from_static("W/\"a\""))), 8192);
        for (representation, suffix, length) in [
            (Representation::Plain, "", Some("8192")),
            (Representation::Encoded(Coding::Brotli), "-br", Some("9")),
            (Representation::NotModified(Coding::Identity), "", None),
            (Representation::NotModified(Coding::Zstd), "-zstd", None),
        ] {
            let headers = of_bytes.headers(representation, present());
            assert_eq!(headers[header::ETAG], format!("\"{digest}{suffix}\""));
            let announced =
                headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!(announced, length);
            let coding = headers.get(header::CONTENT_ENCODING);
            assert_eq!(coding.is_some(), representation == Representation::Encoded(Coding::Brotli));
            let headers = given.headers(representation, present());
            assert_eq!(headers[header::ETAG], format!("W/\"a{suffix}\""));
        }
    }

    #[test]
    fn an_invalid_tag_is_not_sent_with_a_coding() {
        let page = page(spec(TagSource::Given(HeaderValue::from_static("a"))), 9);
        assert_eq!(page.headers(Representation::Plain, present())[header::ETAG], "a");
        let encoded = page.headers(Representation::Encoded(Coding::Gzip), present());
        assert!(!encoded.contains_key(header::ETAG));
    }
}
