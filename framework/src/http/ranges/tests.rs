#![expect(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::http::validators::tests::Validators;
use proptest::prelude::*;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn validators() -> Validators {
    let modified: SystemTime = UNIX_EPOCH + Duration::from_millis(784_111_777_500);
    Validators { etag: HeaderValue::from_static("\"v1\""), last_modified: Some(modified) }
}

fn of(value: &str, length: u64) -> Selection {
    let headers = HeaderMap::from_iter([(header::RANGE, value.parse().unwrap())]);
    select(&Method::GET, &headers, length, &validators())
}

fn some(ranges: &[Range<u64>], length: u64) -> Selection {
    Selection::Partial(Ranges { ranges: ranges.to_vec(), length })
}

#[test]
fn the_requested_ranges_are_selected() {
    const HUGE: &str = "99999999999999999999999999999999";
    for (value, expected) in [
        ("bytes=0-0", some(&[0..1], 10)),
        ("bytes=2-5", some(&[2..6], 10)),
        ("bytes=2-", some(&[2..10], 10)),
        ("bytes=0-", some(&[0..10], 10)),
        ("bytes=-3", some(&[7..10], 10)),
        ("bytes=-30", some(&[0..10], 10)),
        ("bytes=9-100", some(&[9..10], 10)),
        (&format!("bytes=9-{HUGE}"), some(&[9..10], 10)),
        (&format!("bytes=-{HUGE}"), some(&[0..10], 10)),
        ("BYTES=2-5", some(&[2..6], 10)),
        (" bytes=2-5\t,, , 8-8 ", some(&[2..6, 8..9], 10)),
        // In the order of the request, without ranges beyond the end.
        ("bytes=8-8,2-3,20-30", some(&[8..9, 2..4], 10)),
        ("bytes=0-1,20-30", some(&[0..2], 10)),
        // Ranges that overlap or touch are joined.
        ("bytes=6-7,0-1,1-3", some(&[6..8, 0..4], 10)),
        ("bytes=0-4,5-9", some(&[0..10], 10)),
        ("bytes=2-3,2-3", some(&[2..4], 10)),
        ("bytes=10-", Selection::Unsatisfiable),
        ("bytes=10-20, 30-", Selection::Unsatisfiable),
        (&format!("bytes={HUGE}-"), Selection::Unsatisfiable),
        ("bytes=-0", Selection::Unsatisfiable),
        // Beyond the end.
        ("bytes=0-,0-", Selection::Whole),
        ("bytes=0-9,0-0", Selection::Whole),
        // Malformed.
        ("bytes=5-2", Selection::Whole),
        ("bytes=0-1,5-2", Selection::Whole),
        (&format!("bytes={HUGE}-3"), Selection::Whole),
        ("bytes=", Selection::Whole),
        ("bytes=-", Selection::Whole),
        ("bytes=,", Selection::Whole),
        ("bytes", Selection::Whole),
        ("bytes 0-1", Selection::Whole),
        ("bytes=+1-2", Selection::Whole),
        ("bytes=1-+2", Selection::Whole),
        ("bytes=-1-2", Selection::Whole),
        ("bytes=0 - 1", Selection::Whole),
        ("bytes= 0-1 2-3", Selection::Whole),
        ("bytes=0x0-1", Selection::Whole),
        ("bytes=a-b", Selection::Whole),
        ("lines=0-1", Selection::Whole),
        ("", Selection::Whole),
    ] {
        assert_eq!(of(value, 10), expected, "{value}");
    }
}

#[test]
fn an_empty_representation_has_no_ranges() {
    assert_eq!(of("bytes=0-", 0), Selection::Unsatisfiable);
    assert_eq!(of("bytes=0-0", 0), Selection::Unsatisfiable);
    assert_eq!(of("bytes=-5", 0), Selection::Whole);
}

#[test]
fn ranges_near_the_end_of_the_longest_representation_do_not_overflow() {
    let last = u64::MAX - 1;
    assert_eq!(
        of(&format!("bytes={last}-{}", u64::MAX), u64::MAX),
        some(&[last..u64::MAX], u64::MAX)
    );
    assert_eq!(of(&format!("bytes=0-,{last}-"), u64::MAX), Selection::Whole);
}

#[test]
fn more_ranges_than_are_sent_are_the_whole() {
    let list = |ranges: usize| {
        let ranges: Vec<String> = (0..ranges).map(|i| format!("{}-{}", 3 * i, 3 * i)).collect();
        format!("bytes={}", ranges.join(","))
    };
    assert!(matches!(of(&list(MOST_RANGES), 1 << 40), Selection::Partial(_)));
    assert_eq!(of(&list(MOST_RANGES + 1), 1 << 40), Selection::Whole);
    assert_eq!(of(&list(100_000), 1 << 40), Selection::Whole);
    // Joined, there are few of them, but that many are not even parsed.
    let touching = |ranges: usize| {
        let ranges: Vec<String> = (0..ranges).map(|i| format!("{i}-{i}")).collect();
        format!("bytes={}", ranges.join(","))
    };
    assert_eq!(of(&touching(MOST_NAMED), 1 << 40), some(&[0..MOST_NAMED as u64], 1 << 40));
    assert_eq!(of(&touching(MOST_NAMED + 1), 1 << 40), Selection::Whole);
}

#[test]
fn only_get_has_ranges_and_only_one_header() {
    let range = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-1"))]);
    for method in [Method::HEAD, Method::POST, Method::PUT] {
        assert_eq!(select(&method, &range, 10, &validators()), Selection::Whole);
    }
    let mut twice = range.clone();
    twice.append(header::RANGE, HeaderValue::from_static("bytes=0-1"));
    assert_eq!(select(&Method::GET, &twice, 10, &validators()), Selection::Whole);
}

#[test]
fn ranges_are_ignored_when_if_range_names_another_version() {
    for (value, expected) in [
        ("\"v1\"", some(&[0..2], 10)),
        (DATE, some(&[0..2], 10)),
        ("\"v2\"", Selection::Whole),
        ("W/\"v1\"", Selection::Whole),
        ("Sun, 06 Nov 1994 08:49:38 GMT", Selection::Whole),
    ] {
        let headers = HeaderMap::from_iter([
            (header::RANGE, HeaderValue::from_static("bytes=0-1")),
            (header::IF_RANGE, value.parse().unwrap()),
        ]);
        assert_eq!(select(&Method::GET, &headers, 10, &validators()), expected, "{value}");
    }
}

#[test]
fn one_range_is_sent_alone_and_several_in_frames() {
    let pieces = ["0123", "", "45", "6789"].map(|piece| Bytes::from_static(piece.as_bytes()));
    let text = |ranges: &[Range<u64>]| {
        let ranges = Ranges { ranges: ranges.to_vec(), length: 10 };
        let partial = ranges.framed(Some(&HeaderValue::from_static("text/plain")), "B");
        let mut headers = HeaderMap::new();
        partial.insert_into(&mut headers);
        let body = partial.cut(&pieces).concat();
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string().as_str());
        (headers, String::from_utf8(body).unwrap())
    };
    let (headers, body) = text(&[3..7]);
    assert_eq!(
        (&headers[header::CONTENT_RANGE], &*body),
        (&"bytes 3-6/10".parse().unwrap(), "3456")
    );
    assert!(!headers.contains_key(header::CONTENT_TYPE));
    let (headers, body) = text(&[8..10, 0..1]);
    assert_eq!(headers[header::CONTENT_TYPE], "multipart/byteranges; boundary=B");
    assert!(!headers.contains_key(header::CONTENT_RANGE));
    assert_eq!(
        body,
        "--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n\
         --B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n--B--\r\n"
    );
    assert_eq!(unsatisfiable(10), "bytes */10");
}

/// Parses `multipart/byteranges` without code of the writer: each part's range, the length that it
/// names, and its bytes.
fn read_parts(mut body: &[u8], boundary: &str) -> Vec<(Range<u64>, u64, Vec<u8>)> {
    let mut parts = Vec::new();
    loop {
        let line = format!("--{boundary}");
        body = body.strip_prefix(line.as_bytes()).expect("a boundary");
        if body == b"--\r\n" {
            return parts;
        }
        let head = body.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let text = std::str::from_utf8(&body[..head]).unwrap();
        let range = text.split("Content-Range: bytes ").nth(1).unwrap();
        let (range, length) = range.split_once('/').unwrap();
        let (first, last) = range.split_once('-').unwrap();
        let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
        let size = (last - first + 1) as usize;
        let content = &body[head + 4..];
        parts.push((first..last + 1, length.parse().unwrap(), content[..size].to_vec()));
        body = content[size..].strip_prefix(b"\r\n").expect("an end of the line");
    }
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(value in "(bytes=)?[-0-9, =a]{0,40}", length: u64) {
        of(&value, length);
    }

    #[test]
    fn the_bytes_sent_are_those_of_the_requested_ranges(
        asked in prop::collection::vec((0..60_u64, prop::option::of(0..30_u64), any::<bool>()), 1..24),
        cuts in prop::collection::vec(1..20_usize, 0..8),
        length in 0..50_usize,
    ) {
        let whole: Vec<u8> = (0..length as u8).collect();
        let mut pieces = Vec::new();
        let mut rest = Bytes::from(whole.clone());
        for cut in cuts {
            pieces.push(rest.split_to(cut.min(rest.len())));
        }
        pieces.push(rest);

        let mut wanted = BTreeSet::new();
        let (mut total, mut present) = (0, false);
        let written = asked.iter().map(|(first, more, suffix)| {
            let (text, start, end) = match (suffix, more) {
                (true, _) => (format!("-{first}"), length.saturating_sub(*first as usize), length),
                (false, None) => (format!("{first}-"), *first as usize, length),
                (false, Some(more)) => {
                    (format!("{first}-{}", first + more), *first as usize, (first + more + 1) as usize)
                }
            };
            let bytes = start.min(length)..end.min(length);
            present |= !bytes.is_empty();
            total += bytes.len();
            wanted.extend(bytes);
            text
        });
        let value = format!("bytes={}", written.collect::<Vec<_>>().join(", "));

        match of(&value, length as u64) {
            Selection::Unsatisfiable => prop_assert!(!present),
            Selection::Whole => {
                // Only with a reason.
                let runs = wanted.iter().filter(|byte| **byte == 0 || !wanted.contains(&(**byte - 1)));
                prop_assert!(total > length || runs.count() > MOST_RANGES || length == 0);
            }
            Selection::Partial(ranges) => {
                let partial = ranges.framed(None, "B");
                let body = partial.cut(&pieces).concat();
                prop_assert_eq!(body.len() as u64, partial.length());
                prop_assert!(body.len() <= length + MOST_RANGES * 70 + 10);
                let mut sent = Vec::new();
                if let [only] = &ranges.ranges[..] {
                    prop_assert_eq!(&body, &whole[only.start as usize..only.end as usize]);
                    sent.extend(body);
                } else {
                    for (range, named, bytes) in read_parts(&body, "B") {
                        prop_assert_eq!(named, length as u64);
                        prop_assert_eq!(&bytes, &whole[range.start as usize..range.end as usize]);
                        sent.extend(bytes);
                    }
                }
                // Each byte once.
                prop_assert_eq!(sent.len(), wanted.len());
                let sent: BTreeSet<usize> = sent.into_iter().map(usize::from).collect();
                prop_assert_eq!(sent, wanted);
            }
        }
    }
}
