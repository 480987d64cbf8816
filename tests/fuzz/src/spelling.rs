//! Values in paths and queries, compared with the permitted spellings of each kind of value. Two texts with the same
//! value are the same text, so a group that is made of a capture stands for one value, in routes and in
//! `#[invalidate]`.

use std::fmt::Debug;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;
use std::sync::LazyLock;

use futures_util::FutureExt;
use headwater::controller::{Invalidates, Piece, Registration};
use headwater::extract::{FromRequestParts, Path, Query};
use headwater::internals::dispatch::{CanonicalPath, Resolution, Table};
use headwater::prelude::IntoReply;
use headwater::request::Request;
use http::Method;
use regex::Regex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Section {
    #[serde(alias = "neues", alias = "News")]
    News,
    Sport,
}

/// Parsed from text in any case, written in lower case.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(from = "String")]
struct Tag(String);

impl From<String> for Tag {
    fn from(text: String) -> Tag {
        Tag(text.to_ascii_lowercase())
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Named<T> {
    #[serde(alias = "nr")]
    id: T,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let routes = "[[route]]\npath = '/n/{id}'\ntemplate = 'a.html'\ngroups = ['n:{id}']\n";
    Table::parse(routes, "dispatch.conf").expect("the routes are right")
});

static WRITER: LazyLock<Registration> = LazyLock::new(|| {
    let group = [Piece::Text("n:"), Piece::Capture("id")];
    let pattern = [Piece::Text("^/n/"), Piece::Capture("id"), Piece::Text("$")];
    let invalidates = Invalidates::new().group(&group).pattern(&pattern);
    Registration::new("write", async |_: Request| "").invalidates(invalidates)
});

/// `data` is a kind of value in one byte, and a path's segment in each line.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let segments: Vec<&str> =
        super::lines(rest).take(8).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    match kind % 12 {
        0 => all::<u64>(&segments, Some(r"^(0|[1-9][0-9]*)$")),
        1 => all::<i64>(&segments, Some(r"^(0|-?[1-9][0-9]*)$")),
        2 => all::<u128>(&segments, Some(r"^(0|[1-9][0-9]*)$")),
        3 => all::<NonZeroU32>(&segments, Some(r"^[1-9][0-9]*$")),
        4 => all::<f64>(&segments, Some(r"^(0|-?([1-9][0-9]*|(0|[1-9][0-9]*)\.[0-9]*[1-9]))$")),
        5 => all::<f32>(&segments, Some(r"^(0|-?([1-9][0-9]*|(0|[1-9][0-9]*)\.[0-9]*[1-9]))$")),
        6 => all::<bool>(&segments, Some("^(true|false)$")),
        7 => all::<char>(&segments, Some("^(?s:.)$")),
        8 => all::<Section>(&segments, Some("^(news|sport)$")),
        9 => all::<Tag>(&segments, Some("^[^A-Z]*$")),
        10 => all::<Ipv6Addr>(&segments, Some("^[0-9a-f:.]+$")),
        _ => all::<String>(&segments, None),
    }
}

/// A value extracted from a path.
struct Taken<T> {
    value: T,
    path: String,
    groups: Vec<String>,
}

fn all<T>(segments: &[&str], pattern: Option<&str>)
where
    T: DeserializeOwned + Serialize + Send + PartialEq + Debug,
{
    let pattern = pattern.map(|pattern| Regex::new(pattern).expect("it is one"));
    let mut taken: Vec<Taken<T>> = Vec::new();
    for segment in segments.iter().flat_map(|segment| spellings(segment)) {
        let raw = format!("/n/{segment}");
        let Ok(path) = CanonicalPath::new(&raw) else { continue };
        let canonical = path.as_str().to_owned();
        let Resolution::Route(found) = TABLE.resolve(&Method::GET, path) else { continue };
        let (params, groups) = (found.to_params(), found.groups());
        let [(_, text)] = &params[..] else { panic!("{params:?}") };
        query::<T>(text);
        let Some(value) = path_value::<T>("id", text) else { continue };
        assert!(pattern.as_ref().is_none_or(|pattern| pattern.is_match(text)), "{text:?}");
        if let Some(Named { id }) = path_value::<Named<T>>("id", text) {
            assert_eq!(id, value, "a value is the same with its name");
        }
        assert_eq!(path_value::<Named<T>>("nr", text), None, "it is written under another name");
        let invalidation = WRITER.invalidation(&params).expect("there is such a capture").always;
        assert_eq!(invalidation.groups, groups, "a write means the group that the page is in");
        let pattern = Regex::new(&invalidation.patterns[0]).expect("it is a pattern");
        assert!(pattern.is_match(&canonical), "a write means the page's address");
        taken.push(Taken { value, path: canonical, groups });
    }
    for (index, one) in taken.iter().enumerate() {
        for other in &taken[index + 1..] {
            let (is_equal, is_path) = (one.value == other.value, one.path == other.path);
            assert_eq!(is_equal, is_path, "{} and {}", one.path, other.path);
            assert_eq!(is_path, one.groups == other.groups, "{} and {}", one.path, other.path);
        }
    }
}

fn path_value<T: DeserializeOwned + Serialize + Send>(name: &str, text: &str) -> Option<T> {
    let mut parts = Request::builder().param(name, text).build().expect("it is a request").parts;
    let taken = Path::<T>::from_request_parts(&mut parts).now_or_never().expect("nothing waits");
    taken.ok().map(|Path(value)| value)
}

/// Checks that on a cached route the query accepts only the same spellings, and redirects others to one with the same
/// value.
fn query<T>(text: &str)
where
    T: DeserializeOwned + Serialize + Send + PartialEq + Debug,
{
    let written = form_urlencoded::Serializer::new(String::new()).append_pair("id", text).finish();
    let take = |query: &str, is_cached: bool| {
        let request = Request::builder().uri(format!("/?{query}"));
        let request = if is_cached { request.cached("/", None, &[]) } else { request };
        let mut parts = request.build().expect("it is a request").parts;
        let taken = Query::<Named<T>>::from_request_parts(&mut parts).now_or_never();
        taken.expect("nothing waits").map(|Query(Named { id })| id)
    };
    let as_it_comes = take(&written, false);
    match take(&written, true) {
        Ok(value) => assert_eq!(as_it_comes, Ok(value), "it is no other value in a key"),
        Err(rejection) => {
            let reply = rejection.into_reply();
            if let Some(location) = reply.headers().get("location") {
                let location = location.to_str().expect("it is a query");
                let right = location.strip_prefix('?').expect("it is a query");
                assert_ne!(right, written, "a redirect leads on");
                assert_eq!(take(right, true), as_it_comes, "it leads to the same value");
            }
        }
    }
}

/// Returns the segment and other possible spellings of its value.
fn spellings(segment: &str) -> Vec<String> {
    let mut all =
        vec![segment.to_owned(), segment.to_ascii_uppercase(), segment.to_ascii_lowercase()];
    all.extend(["0", "+", "-", "-0", "%2B", "%20"].map(|before| format!("{before}{segment}")));
    all.extend(["0", ".0", ".", "e0", "%00", "%20"].map(|after| format!("{segment}{after}")));
    let digits = segment.trim_start_matches(['0', '+', '-']);
    all.push(digits.to_owned());
    let encoded = segment.bytes().map(|byte| format!("%{byte:02x}")).collect();
    if !segment.contains('%') {
        all.push(encoded);
    }
    all
}
