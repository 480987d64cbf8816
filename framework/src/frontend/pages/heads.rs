use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::cache::{Date, Head, Outline, Tag};

/// How many are remembered at most.
const MOST: usize = 1024;

/// How long what a head says may be for it to be remembered, in bytes.
const LONGEST: usize = 1024;

/// The header templates that pages have in common: pages with equal headers share one. They live as
/// long as a page has them.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<HashMap<Box<[u8]>, Weak<Head>>>);

impl Heads {
    /// The head for this outline.
    pub(super) fn of(&self, mut outline: Outline) -> Arc<Head> {
        outline.strip();
        let text = match text(&outline) {
            Some(text) if text.len() <= LONGEST => text,
            _ => return Arc::new(Head::new(outline)),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = known.get(&*text).and_then(Weak::upgrade) {
            return head;
        }
        if known.len() >= MOST {
            known.retain(|_, head| head.strong_count() > 0);
        }
        let head = Arc::new(Head::new(outline));
        // Where each page says something else there is nothing to be had in common.
        if known.len() < MOST {
            known.insert(text, Arc::downgrade(&head));
        }
        head
    }
}

/// All of an outline, unless it has a tag of its own, which no other page has. No name and no value
/// has an end of line in it.
fn text(outline: &Outline) -> Option<Box<[u8]>> {
    let Outline { status, headers, has_length, tag, date, may_be_encoded } = outline;
    let tag = match tag {
        Tag::None => 0,
        Tag::OfBytes => 1,
        Tag::OfParts => 2,
        Tag::Given(_) => return None,
    };
    let date = match date {
        Date::None => 0,
        Date::OfPage => 1,
        // It is among the headers.
        Date::Given(_) => 2,
    };
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(status.as_str().as_bytes());
    text.extend_from_slice(&[u8::from(*has_length), tag, date, u8::from(*may_be_encoded)]);
    for (name, value) in headers {
        for part in [b"\n", name.as_str().as_bytes(), b":", value.as_bytes()] {
            text.extend_from_slice(part);
        }
    }
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    fn outline(language: &'static str) -> Outline {
        let language = (header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
        let headers = HeaderMap::from_iter([language]);
        Outline { status: StatusCode::OK, headers, has_length: true, ..Outline::default() }
    }

    #[test]
    fn pages_with_equal_headers_share_one_template() {
        let heads = Heads::default();
        let head = heads.of(outline("en"));
        assert!(Arc::ptr_eq(&head, &heads.of(outline("en"))));
        for other in [
            outline("de"),
            Outline { status: StatusCode::NOT_FOUND, ..outline("en") },
            Outline { has_length: false, ..outline("en") },
            Outline { tag: Tag::OfBytes, ..outline("en") },
            Outline { tag: Tag::Given(HeaderValue::from_static("a")), ..outline("en") },
            Outline { date: Date::OfPage, ..outline("en") },
            Outline { may_be_encoded: true, ..outline("en") },
        ] {
            assert!(!Arc::ptr_eq(&head, &heads.of(other)));
        }
    }

    #[test]
    fn no_more_than_so_many_are_remembered_and_none_without_a_page() {
        let heads = Heads::default();
        let said = |number: u32| {
            let mut outline = outline("en");
            outline.headers.insert("x-number", number.into());
            outline
        };
        let kept: Vec<_> = (0..1500).map(|number| heads.of(said(number))).collect();
        assert_eq!(heads.0.lock().unwrap().len(), MOST);
        assert!(Arc::ptr_eq(&kept[0], &heads.of(said(0))));
        drop(kept);
        let head = heads.of(said(2000));
        assert!(Arc::ptr_eq(&head, &heads.of(said(2000))));
        assert_eq!(heads.0.lock().unwrap().len(), 1);
    }
}
