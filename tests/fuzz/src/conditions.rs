//! Conditional requests and ranges.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use headwater::internals::http::{Current, Precondition, Segment, Selection, evaluate, select};
use http::Method;
use http::header::{
    self, CONTENT_LENGTH, HeaderMap, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
};

struct Version;

impl Current for Version {
    fn has_tag(&self, tag: &[u8]) -> bool {
        tag == b"\"v1\""
    }

    fn last_modified(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_millis(784_111_777_500))
    }
}

/// `data` is the length of the content in two bytes, and lines of headers.
pub fn run(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk() else { return };
    let length = u16::from_be_bytes(*length) % 4096;
    let headers = super::headers(super::lines(rest));
    check_conditions(&headers);
    check_ranges(&headers, length);
}

fn check_conditions(headers: &HeaderMap) {
    for method in [Method::GET, Method::HEAD, Method::PUT] {
        let has = |name| headers.contains_key(name);
        match evaluate(&method, headers, &Version) {
            Precondition::Proceed => {
                let any = headers.get(IF_NONE_MATCH).is_some_and(|value| value == "*");
                assert!(!any, "`If-None-Match: *` is false while there is a version");
            }
            Precondition::NotModified => {
                assert!(method != Method::PUT && (has(IF_NONE_MATCH) || has(IF_MODIFIED_SINCE)));
            }
            Precondition::Failed => {
                let reads = method != Method::PUT;
                assert!(has(IF_MATCH) || has(IF_UNMODIFIED_SINCE) || !reads && has(IF_NONE_MATCH));
            }
        }
    }
}

fn check_ranges(headers: &HeaderMap, length: u16) {
    let whole: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
    assert_eq!(select(&Method::HEAD, headers, length.into(), &Version), Selection::Whole);
    let Selection::Partial(ranges) = select(&Method::GET, headers, length.into(), &Version) else {
        return;
    };
    let media_type = HeaderValue::from_static("text/plain");
    let partial = ranges.answer(Some(&media_type));
    let mut described = HeaderMap::new();
    partial.insert_into(&mut described);
    let mut sent = Vec::new();
    let (mut expected, mut size) = (Vec::new(), 0);
    for segment in partial.segments() {
        match segment {
            Segment::Frame(bytes) => expected.extend_from_slice(bytes),
            Segment::Content(range) => {
                assert!(range.start < range.end && range.end <= length.into());
                sent.push(range.clone());
                expected.extend_from_slice(&whole[range.start as usize..range.end as usize]);
            }
        }
        size += segment.length();
    }
    assert_eq!(described[CONTENT_LENGTH], *size.to_string());
    assert_eq!(described.contains_key(header::CONTENT_RANGE), sent.len() == 1);
    sent.sort_by_key(|range| range.start);
    assert!(sent.windows(2).all(|pair| pair[0].end < pair[1].start), "no byte is sent twice");
    let (front, back) = whole.split_at(whole.len() / 3);
    let pieces = [front, back].map(Bytes::copy_from_slice);
    assert_eq!(partial.cut(&pieces).concat(), expected);
}
