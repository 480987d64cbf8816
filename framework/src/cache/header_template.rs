//! The headers that the responses with many pages have in common.
//!
//! The pages of a site differ in their bytes, and so in length, tag and date. The other headers of
//! their responses are mostly the same for thousands of pages. So a page stores its own values and
//! shares the rest.

use std::time::SystemTime;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::representation::{Representation, tag_in};
use crate::http::names::{CACHE_STATUS, CDN_CACHE_CONTROL};
use crate::http::{Coding, ReuseTerms};
use crate::inline::InlineHashes;

/// The headers of the responses with a page, without the page's own values.
#[derive(Debug, Default)]
pub struct HeaderSpec {
    /// The status.
    pub status: StatusCode,
    /// The headers of the content without a coding. Headers with values of a page's or a response's
    /// own are ignored.
    pub headers: HeaderMap,
    /// The terms on which downstream caches may reuse the content.
    pub terms: ReuseTerms,
    /// Whether a response has a `Content-Length`.
    pub has_length: bool,
    /// The tag.
    pub tag: TagSource,
    /// The date.
    pub date: DateSource,
    /// Whether the page may be sent in a coding.
    pub may_be_encoded: bool,
    /// The scripts and styles that are inline in the content.
    pub inline: InlineHashes,
    /// Whether the site's policy decides which of them run, and not its controller.
    pub is_governed: bool,
}

impl HeaderSpec {
    /// Removes the headers that have values of a page's or a response's own.
    pub fn strip(&mut self) {
        let always = [header::CONTENT_LENGTH, header::AGE, CACHE_STATUS].map(Some);
        let own = [
            (self.tag != TagSource::None).then_some(header::ETAG),
            (self.date == DateSource::OfPage).then_some(header::LAST_MODIFIED),
            self.may_be_encoded.then_some(header::CONTENT_ENCODING),
        ];
        for name in always.into_iter().chain(own).flatten() {
            self.headers.remove(name);
        }
    }
}

/// The tag of a page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum TagSource {
    /// It has none.
    #[default]
    None,
    /// It is derived from the digest of the bytes.
    OfBytes,
    /// It is assembled for each response from the tags of the parts.
    OfParts,
    /// The controller has set one.
    Given(HeaderValue),
}

/// The date of a page.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum DateSource {
    /// It has none.
    #[default]
    None,
    /// The time when the page was made, a value of its own.
    OfPage,
    /// The controller has set one, which is among the headers.
    Given(SystemTime),
}

/// The headers that a 304 shares with the 200 (RFC 9110, section 15.4.5). `Date` is included only
/// if the controller has set it; the server adds its own. `Last-Modified` is for clients without
/// support for tags, and a `Content-Length` would carry no new information. The groups and the
/// security policy of a page may change though its bytes do not, and a cache that stores the page
/// needs the current ones. `X-Content-Type-Options` is on every response.
static WITH_304: [HeaderName; 13] = [
    header::CACHE_CONTROL,
    HeaderName::from_static("cache-groups"),
    HeaderName::from_static("cache-tag"),
    CDN_CACHE_CONTROL,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_LOCATION,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    HeaderName::from_static("surrogate-key"),
    header::VARY,
    header::X_CONTENT_TYPE_OPTIONS,
];

/// The headers that the responses with many pages have in common.
#[derive(Debug)]
pub struct HeaderTemplate {
    /// The status.
    pub status: StatusCode,
    /// The terms on which downstream caches may reuse the content, without a coding.
    pub terms: ReuseTerms,
    /// The scripts and styles that are inline in the content.
    pub inline: InlineHashes,
    /// Whether the site's policy decides which of them run, and not its controller.
    pub is_governed: bool,
    pub(super) tag: TagSource,
    pub(super) date: DateSource,
    pub(super) has_length: bool,
    plain: HeaderMap,
    encoded: Option<HeaderMap>,
    not_modified: HeaderMap,
}

impl HeaderTemplate {
    /// Prepares the headers in all representations.
    pub fn new(mut spec: HeaderSpec) -> HeaderTemplate {
        spec.strip();
        let HeaderSpec {
            status,
            headers,
            terms,
            has_length,
            tag,
            date,
            may_be_encoded,
            inline,
            is_governed,
        } = spec;
        let length = has_length.then_some(header::CONTENT_LENGTH);
        let validators = [
            (tag != TagSource::None).then_some(header::ETAG),
            (date == DateSource::OfPage).then_some(header::LAST_MODIFIED),
        ];
        let always = [header::AGE, CACHE_STATUS];
        let placeholders =
            || length.iter().chain(validators.iter().flatten()).chain(&always).cloned();
        let encoded = may_be_encoded.then(|| {
            let has_tag = match &tag {
                TagSource::Given(tag) => tag_in(tag, Coding::Gzip).is_some(),
                _ => true,
            };
            let placeholders = placeholders().filter(|name| has_tag || name != header::ETAG);
            with_placeholders(&headers, [header::CONTENT_ENCODING].into_iter().chain(placeholders))
        });
        let placeholders_304 = validators.iter().flatten().chain(&always).cloned();
        HeaderTemplate {
            status,
            terms,
            inline,
            is_governed,
            plain: with_placeholders(&headers, placeholders()),
            encoded,
            not_modified: with_placeholders(&not_modified(&headers), placeholders_304),
            tag,
            date,
            has_length,
        }
    }

    /// Returns the headers of the content without a coding. Those with values of a page's own
    /// contain placeholders.
    pub fn template(&self) -> &HeaderMap {
        &self.plain
    }

    /// Returns the headers of content in a coding, if it may be sent so. The coding is gzip until
    /// another one is inserted.
    pub fn encoded_template(&self) -> Option<&HeaderMap> {
        self.encoded.as_ref()
    }

    /// Returns the headers in this representation. Those with values of a page's own contain
    /// placeholders.
    pub(super) fn template_of(&self, representation: Representation) -> &HeaderMap {
        match representation {
            Representation::Plain => &self.plain,
            Representation::Encoded(_) => self.encoded.as_ref().unwrap_or(&self.plain),
            Representation::NotModified(_) => &self.not_modified,
        }
    }

    /// Returns roughly how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        /// The size of a name, a value and their index, when up to a third of the map's slots are
        /// empty.
        const SLOT: usize = 130;
        let representations = [&self.plain, &self.not_modified].into_iter().chain(&self.encoded);
        let values = representations.flat_map(HeaderMap::values).map(|value| value.len() + SLOT);
        size_of::<HeaderTemplate>() + self.terms.size() + values.sum::<usize>()
    }
}

/// Returns the headers with placeholders for values of the page's own: replacing a value is cheap,
/// but an additional name would make the copied map grow.
fn with_placeholders(headers: &HeaderMap, names: impl Iterator<Item = HeaderName>) -> HeaderMap {
    let mut headers = headers.clone();
    for name in names {
        let value = match name {
            header::CONTENT_ENCODING => HeaderValue::from_static("gzip"),
            _ => HeaderValue::from_static("0"),
        };
        headers.insert(name, value);
    }
    headers
}

/// Returns the headers of a 304 in place of a response with these headers.
pub(crate) fn not_modified(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in WITH_304.iter().filter(|name| headers.contains_key(*name)) {
        for value in headers.get_all(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_each_response_are_not_taken_from_the_controller() {
        for name in [header::AGE, CACHE_STATUS, header::CONTENT_LENGTH] {
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("x"))]);
            let header_template = HeaderTemplate::new(HeaderSpec {
                headers,
                has_length: true,
                ..HeaderSpec::default()
            });
            assert_eq!(header_template.template()[&name], "0", "{name}");
        }
    }

    #[test]
    fn a_304_contains_the_groups_of_its_page() {
        let mut headers = HeaderMap::new();
        let groups = ["cache-groups", "surrogate-key", "cache-tag", "vary"];
        for name in groups.into_iter().chain(["x-other"]) {
            headers.insert(name, HeaderValue::from_static("news"));
        }
        let kept = not_modified(&headers);
        assert!(groups.iter().all(|name| kept[*name] == "news"));
        assert_eq!(kept.len(), 4);
    }
}
