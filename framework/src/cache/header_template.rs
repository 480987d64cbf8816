//! What the responses with many pages have in common.
//!
//! The pages of a site differ in their bytes, and so in length, tag and date. What else their
//! responses say is mostly the same for thousands of them. So a page holds its own values and shares
//! the rest.

use std::time::SystemTime;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::representation::{Representation, tag_in};
use crate::http::names::{CACHE_STATUS, CDN_CACHE_CONTROL};
use crate::http::{Coding, ReuseTerms};
use crate::inline::InlineHashes;

/// What the responses with a page are to say, but for the values that are the page's own.
#[derive(Debug, Default)]
pub struct HeaderSpec {
    /// The status.
    pub status: StatusCode,
    /// The headers of the content as it is. Of those of which a page or a response has values of its
    /// own there is nothing to be said here.
    pub headers: HeaderMap,
    /// What of them caches further out go by.
    pub terms: ReuseTerms,
    /// Whether a response tells its length.
    pub has_length: bool,
    /// The tag.
    pub tag: TagSource,
    /// The date.
    pub date: DateSource,
    /// Whether the page may be sent in a coding.
    pub may_be_encoded: bool,
    /// The scripts and styles that stand in the content itself.
    pub inline: InlineHashes,
    /// Whether the site's policy says which of them run, and not its controller.
    pub is_governed: bool,
}

impl HeaderSpec {
    /// Takes away what a page or a response has values of its own of.
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
    /// It is made of the digest of the bytes.
    OfBytes,
    /// It is put together for each response, of those of its parts.
    OfParts,
    /// The controller has given one.
    Given(HeaderValue),
}

/// The date of a page.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum DateSource {
    /// It has none.
    #[default]
    None,
    /// When it was made: a page of its own value.
    OfPage,
    /// The controller has given one, which is among the headers.
    Given(SystemTime),
}

/// The headers that go with a 304 as they would with a 200 (RFC 9110, section 15.4.5). `Date` is
/// there only if the controller has set it; the server adds its own. `Last-Modified` is for clients
/// that know no tags, and a `Content-Length` would say nothing new. The groups of a page, and what it may do, may
/// change though its bytes do not, and a cache that keeps the page has to know. `X-Content-Type-Options` is on every
/// response.
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

/// What the responses with many pages have in common.
#[derive(Debug)]
pub struct HeaderTemplate {
    /// The status.
    pub status: StatusCode,
    /// What caches further out go by, of the content as it is.
    pub terms: ReuseTerms,
    /// The scripts and styles that stand in the content itself.
    pub inline: InlineHashes,
    /// Whether the site's policy says which of them run, and not its controller.
    pub is_governed: bool,
    pub(super) tag: TagSource,
    pub(super) date: DateSource,
    pub(super) has_length: bool,
    plain: HeaderMap,
    encoded: Option<HeaderMap>,
    not_modified: HeaderMap,
}

impl HeaderTemplate {
    /// The headers in all representations.
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
        let places = || length.iter().chain(validators.iter().flatten()).chain(&always).cloned();
        let encoded = may_be_encoded.then(|| {
            let has_tag = match &tag {
                TagSource::Given(tag) => tag_in(tag, Coding::Gzip).is_some(),
                _ => true,
            };
            let places = places().filter(|name| has_tag || name != header::ETAG);
            with_places(&headers, [header::CONTENT_ENCODING].into_iter().chain(places))
        });
        let places_304 = validators.iter().flatten().chain(&always).cloned();
        HeaderTemplate {
            status,
            terms,
            inline,
            is_governed,
            plain: with_places(&headers, places()),
            encoded,
            not_modified: with_places(&not_modified(&headers), places_304),
            tag,
            date,
            has_length,
        }
    }

    /// The headers of the content as it is. Those of a page's own hold no real values.
    pub fn template(&self) -> &HeaderMap {
        &self.plain
    }

    /// The same for content in a coding, if it may be sent so. That is gzip until another one is put
    /// in.
    pub fn encoded_template(&self) -> Option<&HeaderMap> {
        self.encoded.as_ref()
    }

    /// The headers in this representation. Those of a page's own hold no real values.
    pub(super) fn template_of(&self, representation: Representation) -> &HeaderMap {
        match representation {
            Representation::Plain => &self.plain,
            Representation::Encoded(_) => self.encoded.as_ref().unwrap_or(&self.plain),
            Representation::NotModified(_) => &self.not_modified,
        }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        /// Of a name, a value and their order, when up to a third of the map's places are empty.
        const PLACE: usize = 130;
        let representations = [&self.plain, &self.not_modified].into_iter().chain(&self.encoded);
        let values = representations.flat_map(HeaderMap::values).map(|value| value.len() + PLACE);
        size_of::<HeaderTemplate>() + self.terms.size() + values.sum::<usize>()
    }
}

/// Headers with places for values of the page's own: to replace a value costs little, but one name
/// more would make the copied map grow.
fn with_places(headers: &HeaderMap, places: impl Iterator<Item = HeaderName>) -> HeaderMap {
    let mut headers = headers.clone();
    for name in places {
        let value = match name {
            header::CONTENT_ENCODING => HeaderValue::from_static("gzip"),
            _ => HeaderValue::from_static("0"),
        };
        headers.insert(name, value);
    }
    headers
}

/// The headers of a 304 in the place of a response with these.
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
    fn what_is_each_responses_own_is_not_taken_from_the_controller() {
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
    fn the_groups_of_a_page_go_with_its_304() {
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
