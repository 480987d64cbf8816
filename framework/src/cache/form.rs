//! The forms in which a page is sent, and the headers of each.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};

use super::head::{Date, Tag};
use super::page::{LastModified, Page};
use crate::http::Coding;
use crate::http::names::CACHE_STATUS;
use crate::http::validators::{SETTLED, shown_date};

/// The form in which a page is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// In a coding.
    Encoded(Coding),
    /// Not at all: the client has it, in this coding (304).
    NotModified(Coding),
}

/// What a response says that others with the same page do not.
#[derive(Debug, Clone)]
pub struct Present {
    /// Whether its date can no longer be mistaken for that of another version.
    pub is_settled: bool,
    /// The value of `Cache-Status`.
    pub cache_status: HeaderValue,
}

impl Page {
    /// The headers of a response with the page in this form: those that it shares with others, and
    /// those of its own.
    pub fn headers(&self, form: Form, present: Present) -> HeaderMap {
        let head = &*self.head;
        let mut headers = head.template_of(form).clone();
        let (coding, length) = match form {
            Form::Plain => (Coding::Identity, Some(self.body.len())),
            Form::Encoded(coding) => (coding, self.encoded(coding).map(Bytes::len)),
            Form::NotModified(coding) => (coding, None),
        };
        if let Form::Encoded(coding) = form {
            let coding = HeaderValue::from_static(coding.name());
            headers.insert(header::CONTENT_ENCODING, coding);
        }
        if let Some(length) = length.filter(|_| head.has_length) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if let Some(tag) = self.tag_of(coding) {
            headers.insert(header::ETAG, tag);
        }
        if head.date == Date::OfPage {
            let shown = if present.is_settled { SETTLED } else { Duration::ZERO };
            let date = shown_date(self.modified(), self.modified() + shown);
            headers.insert(header::LAST_MODIFIED, date);
        }
        headers.insert(CACHE_STATUS, present.cache_status);
        headers
    }

    /// The status of a response with the page in this form.
    pub fn status_as(&self, form: Form) -> StatusCode {
        match form {
            Form::Plain | Form::Encoded(_) => self.status(),
            Form::NotModified(_) => StatusCode::NOT_MODIFIED,
        }
    }

    /// The strong tag of the content as it is, or the one that the controller has given.
    pub fn tag(&self) -> Option<HeaderValue> {
        self.tag_of(Coding::Identity)
    }

    fn tag_of(&self, coding: Coding) -> Option<HeaderValue> {
        match &self.head.tag {
            Tag::None | Tag::OfParts => None,
            Tag::Given(tag) if coding == Coding::Identity => Some(tag.clone()),
            Tag::Given(tag) => tag_in(tag, coding),
            Tag::OfBytes => Some(tag_of_digest(self.digest(), coding)),
        }
    }

    /// When this version was made, if dates are to tell it from others.
    pub fn last_modified(&self) -> Option<LastModified> {
        match self.head.date {
            Date::None => None,
            Date::OfPage => Some(LastModified { time: self.modified(), is_given: false }),
            Date::Given(time) => Some(LastModified { time, is_given: true }),
        }
    }
}

/// The longest tag of bytes: quotes, 32 digits, and `-` with the name of a coding.
const TAG: usize = 2 + 32 + 9;

/// The strong tag of content with this digest in a coding.
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

/// The tag of the same content in a coding: `"TAG-gzip"` for `"TAG"`. None when that is no tag.
pub(crate) fn tag_in(identity: &HeaderValue, coding: Coding) -> Option<HeaderValue> {
    let identity = identity.as_bytes();
    let start = identity.strip_suffix(b"\"").filter(|start| start.contains(&b'"'))?;
    HeaderValue::from_bytes(&[start, b"-", coding.name().as_bytes(), b"\""].concat()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::super::head::{Head, Outline};
    use super::super::page::Encoded;
    use super::*;

    const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];

    fn page(outline: Outline, length: usize) -> Page {
        let body = Bytes::from(vec![b'a'; length]);
        let page = Page::new(Arc::new(Head::new(outline)), body.into(), SystemTime::now());
        let encoded = CODINGS.map(|coding| Encoded { coding, body: vec![b'b'; 9].into() });
        page.later.put_encodings(encoded.into());
        page
    }

    fn outline(tag: Tag) -> Outline {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))];
        let headers = HeaderMap::from_iter(headers);
        Outline { headers, has_length: true, tag, may_be_encoded: true, ..Outline::default() }
    }

    fn present() -> Present {
        let cache_status = HeaderValue::from_static("headwater; hit");
        Present { is_settled: true, cache_status }
    }

    #[test]
    fn each_form_has_a_tag_and_a_length_of_its_own() {
        let of_bytes = page(outline(Tag::OfBytes), 8192);
        let digest = format!("{:032x}", of_bytes.digest());
        let given = page(outline(Tag::Given(HeaderValue::from_static("W/\"a\""))), 8192);
        for (form, suffix, length) in [
            (Form::Plain, "", Some("8192")),
            (Form::Encoded(Coding::Brotli), "-br", Some("9")),
            (Form::NotModified(Coding::Identity), "", None),
            (Form::NotModified(Coding::Zstd), "-zstd", None),
        ] {
            let headers = of_bytes.headers(form, present());
            assert_eq!(headers[header::ETAG], format!("\"{digest}{suffix}\""));
            let told = headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!(told, length);
            let coding = headers.get(header::CONTENT_ENCODING);
            assert_eq!(coding.is_some(), form == Form::Encoded(Coding::Brotli));
            let headers = given.headers(form, present());
            assert_eq!(headers[header::ETAG], format!("W/\"a{suffix}\""));
        }
    }

    #[test]
    fn what_is_no_tag_is_not_made_one_of_a_coding() {
        let page = page(outline(Tag::Given(HeaderValue::from_static("a"))), 9);
        assert_eq!(page.headers(Form::Plain, present())[header::ETAG], "a");
        let encoded = page.headers(Form::Encoded(Coding::Gzip), present());
        assert!(!encoded.contains_key(header::ETAG));
    }
}
