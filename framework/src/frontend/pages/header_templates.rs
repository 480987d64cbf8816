use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::cache::{DateSource, HeaderSpec, HeaderTemplate, TagSource};
use crate::inline::InlineKind;

/// The largest number of shared header templates.
const MOST: usize = 1024;

/// The largest size of a shared header template, in bytes.
const LONGEST: usize = 1024;

/// The header templates that pages share: pages with equal headers use the same one. A template lives as long as a
/// page uses it.
#[derive(Debug, Default)]
pub(super) struct HeaderTemplates(Mutex<HashMap<Box<[u8]>, Weak<HeaderTemplate>>>);

impl HeaderTemplates {
    /// Returns the header template for this spec.
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
        // If every page has different headers, sharing is useless.
        if known.len() < MOST {
            known.insert(text, Arc::downgrade(&header_template));
        }
        header_template
    }
}

/// Serializes a spec, unless it has a tag of its own, which no other page has. No name or value contains a line break.
fn text(spec: &HeaderSpec) -> Option<Box<[u8]>> {
    let HeaderSpec {
        status,
        headers,
        // The headers contain them.
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
        // The headers contain it.
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
    fn the_number_of_templates_is_bounded_and_unused_ones_are_dropped() {
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
