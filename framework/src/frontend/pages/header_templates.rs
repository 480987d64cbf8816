use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::cache::{DateSource, HeaderSpec, HeaderTemplate, TagSource};
use crate::inline::InlineKind;

/// How many are remembered at most.
const MOST: usize = 1024;

/// How long what a header template says may be for it to be remembered, in bytes.
const LONGEST: usize = 1024;

/// The header templates that pages have in common: pages with equal headers share one. They live as
/// long as a page has them.
#[derive(Debug, Default)]
pub(super) struct HeaderTemplates(Mutex<HashMap<Box<[u8]>, Weak<HeaderTemplate>>>);

impl HeaderTemplates {
    /// The header template for this spec.
    pub(super) fn of(&self, mut spec: HeaderSpec) -> Arc<HeaderTemplate> {
        spec.strip();
        let text = match text(&spec) {
            Some(text) if text.len() <= LONGEST => text,
            _ => return Arc::new(HeaderTemplate::new(spec)),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(header_template) = known.get(&*text).and_then(Weak::upgrade) {
            return header_template;
        }
        if known.len() >= MOST {
            known.retain(|_, header_template| header_template.strong_count() > 0);
        }
        let header_template = Arc::new(HeaderTemplate::new(spec));
        // Where each page says something else there is nothing to be had in common.
        if known.len() < MOST {
            known.insert(text, Arc::downgrade(&header_template));
        }
        header_template
    }
}

/// All of a spec, unless it has a tag of its own, which no other page has. No name and no value
/// has an end of line in it.
fn text(spec: &HeaderSpec) -> Option<Box<[u8]>> {
    let HeaderSpec {
        status,
        headers,
        // The headers say them.
        terms: _,
        has_length,
        tag,
        date,
        may_be_encoded,
        inline,
        is_governed,
    } = spec;
    let tag = match tag {
        TagSource::None => 0,
        TagSource::OfBytes => 1,
        TagSource::OfParts => 2,
        TagSource::Given(_) => return None,
    };
    let date = match date {
        DateSource::None => 0,
        DateSource::OfPage => 1,
        // It is among the headers.
        DateSource::Given(_) => 2,
    };
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(status.as_str().as_bytes());
    let [has_length, may_be_encoded, is_governed] =
        [has_length, may_be_encoded, is_governed].map(|flag| u8::from(*flag));
    text.extend_from_slice(&[has_length, tag, date, may_be_encoded, is_governed]);
    for (name, value) in headers {
        for part in [b"\n", name.as_str().as_bytes(), b":", value.as_bytes()] {
            text.extend_from_slice(part);
        }
    }
    for kind in [InlineKind::Script, InlineKind::Style] {
        text.push(b'\n');
        inline.of_kind(kind).for_each(|hash| text.extend_from_slice(hash.as_bytes()));
    }
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;
    use crate::inline::InlineHashes;

    fn spec(language: &'static str) -> HeaderSpec {
        let language = (header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
        let headers = HeaderMap::from_iter([language]);
        HeaderSpec { status: StatusCode::OK, headers, has_length: true, ..HeaderSpec::default() }
    }

    #[test]
    fn pages_with_equal_headers_share_one_template() {
        let header_templates = HeaderTemplates::default();
        let header_template = header_templates.of(spec("en"));
        assert!(Arc::ptr_eq(&header_template, &header_templates.of(spec("en"))));
        for other in [
            spec("de"),
            HeaderSpec { status: StatusCode::NOT_FOUND, ..spec("en") },
            HeaderSpec { has_length: false, ..spec("en") },
            HeaderSpec { tag: TagSource::OfBytes, ..spec("en") },
            HeaderSpec { tag: TagSource::Given(HeaderValue::from_static("a")), ..spec("en") },
            HeaderSpec { date: DateSource::OfPage, ..spec("en") },
            HeaderSpec { may_be_encoded: true, ..spec("en") },
            HeaderSpec { inline: InlineHashes::of(InlineKind::Style, "a"), ..spec("en") },
            HeaderSpec { is_governed: true, ..spec("en") },
        ] {
            assert!(!Arc::ptr_eq(&header_template, &header_templates.of(other)));
        }
    }

    #[test]
    fn no_more_than_so_many_are_remembered_and_none_without_a_page() {
        let header_templates = HeaderTemplates::default();
        let said = |number: u32| {
            let mut spec = spec("en");
            spec.headers.insert("x-number", number.into());
            spec
        };
        let kept: Vec<_> = (0..1500).map(|number| header_templates.of(said(number))).collect();
        assert_eq!(header_templates.0.lock().unwrap().len(), MOST);
        assert!(Arc::ptr_eq(&kept[0], &header_templates.of(said(0))));
        drop(kept);
        let header_template = header_templates.of(said(2000));
        assert!(Arc::ptr_eq(&header_template, &header_templates.of(said(2000))));
        assert_eq!(header_templates.0.lock().unwrap().len(), 1);
    }
}
