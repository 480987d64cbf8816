//! A page that is made of a value and the group that is made of the text in its path stand for the same value: after a
//! write under any spelling of a value, no spelling of it returns a stale page.

use std::collections::HashMap;
use std::fmt::{self, Debug, Display};
use std::net::Ipv6Addr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex};

use headwater::app::SiteService;
use headwater::prelude::*;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of writes of each value.
static WRITTEN: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);

fn read<T: Debug>(kind: &str, value: &T) -> Reply {
    let value = format!("{kind} {value:?}");
    let written = WRITTEN.lock().unwrap().get(&value).copied().unwrap_or_default();
    text(format!("{value}, written {written} times"))
}

fn write<T: Debug>(kind: &str, value: &T) -> Reply {
    *WRITTEN.lock().unwrap().entry(format!("{kind} {value:?}")).or_default() += 1;
    status(204)
}

/// A value that is parsed by its `FromStr` and written by its `Display`, like most types of dates and ids.
#[derive(Debug, Clone, Copy)]
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Parsed<T>, D::Error> {
        String::deserialize(from)?.parse().map(Parsed).map_err(Error::custom)
    }
}

impl<T: Display> Serialize for Parsed<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// An id that is parsed, as in many libraries, in either case and with or without hyphens and braces.
#[derive(Debug, Clone, Copy)]
struct Id(u32);

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Id, Self::Err> {
        let text = text.trim_start_matches('{').trim_end_matches('}').replace('-', "");
        u32::from_str_radix(&text, 16).map(Id)
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}-{:04x}", self.0 >> 16, self.0 & 0xffff)
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Section {
    #[serde(alias = "nouvelles", alias = "News")]
    News,
}

/// Parsed from text in any case, written in lower case.
#[derive(Debug, Deserialize, Serialize)]
#[serde(from = "String")]
struct Tag(String);

impl From<String> for Tag {
    fn from(text: String) -> Tag {
        Tag(text.to_lowercase())
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Named {
    #[serde(alias = "id")]
    number: Tag,
}

#[derive(Debug, Deserialize, Serialize)]
struct Flattened {
    #[serde(flatten)]
    named: Named,
}

#[derive(Debug, Deserialize, Serialize)]
struct Page {
    page: u32,
}

macro_rules! kinds {
    ($($kind:ident($read:literal, $write:literal, $group:literal): $type:ty),+ $(,)?) => {
        $(
            mod $kind {
                use super::*;

                #[controller($read)]
                pub(super) async fn read(Path(value): Path<$type>) -> Reply {
                    super::read(stringify!($kind), &value)
                }

                #[controller($write)]
                #[invalidate(groups = [$group])]
                pub(super) async fn write(Path(value): Path<$type>) -> Reply {
                    super::write(stringify!($kind), &value)
                }
            }
        )+

        const KINDS: &[(&str, &str, &str, &str)] = &[$((stringify!($kind), $read, $write, $group)),+];

        fn controllers() -> impl IntoIterator<Item = headwater::controller::Registration> {
            controllers![listed, relist, $($kind::read, $kind::write),+]
        }
    };
}

kinds! {
    unsigned("unsigned.read", "unsigned.write", "unsigned:{id}"): u64,
    signed("signed.read", "signed.write", "signed:{id}"): i64,
    wide("wide.read", "wide.write", "wide:{id}"): u128,
    nonzero("nonzero.read", "nonzero.write", "nonzero:{id}"): NonZeroU32,
    float("float.read", "float.write", "float:{id}"): f64,
    narrow("narrow.read", "narrow.write", "narrow:{id}"): f32,
    boolean("boolean.read", "boolean.write", "boolean:{id}"): bool,
    letter("letter.read", "letter.write", "letter:{id}"): char,
    word("word.read", "word.write", "word:{id}"): String,
    date("date.read", "date.write", "date:{id}"): Parsed<jiff::civil::Date>,
    moment("moment.read", "moment.write", "moment:{id}"): Parsed<jiff::Timestamp>,
    id("id.read", "id.write", "id:{id}"): Parsed<Id>,
    address("address.read", "address.write", "address:{id}"): Ipv6Addr,
    section("section.read", "section.write", "section:{id}"): Section,
    tag("tag.read", "tag.write", "tag:{id}"): Tag,
    optional("optional.read", "optional.write", "optional:{id}"): Option<u64>,
    tuple("tuple.read", "tuple.write", "tuple:{id}"): (u64,),
    map("map.read", "map.write", "map:{id}"): HashMap<String, u64>,
    named("named.read", "named.write", "named:{id}"): Named,
    flattened("flattened.read", "flattened.write", "flattened:{id}"): Flattened,
}

#[controller("list.read")]
async fn listed(Query(Page { page }): Query<Page>) -> Reply {
    read("list", &page).group(format!("list:{page}"))
}

#[controller("list.write")]
#[invalidate("^/list\\?page={id}$")]
async fn relist(Path(page): Path<u32>) -> Reply {
    write("list", &page)
}

struct Site {
    service: SiteService,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Site {
        let mut routes = String::from(
            "[[route]]\npath = \"/list\"\ncontroller = \"list.read\"\nquery = [\"page\"]\n\
             [[route]]\npath = \"/list/{id}\"\nmethods = [\"POST\"]\ncontroller = \"list.write\"\n",
        );
        for (kind, read, write, group) in KINDS {
            routes += &format!(
                "[[route]]\npath = \"/{kind}/{{id}}\"\ncontroller = \"{read}\"\ngroups = [\"{group}\"]\n\
                 [[route]]\npath = \"/{kind}/{{id}}\"\nmethods = [\"POST\"]\ncontroller = \"{write}\"\n\
                 [[route]]\npath = \"/fresh/{kind}/{{id}}\"\ncontroller = \"{read}\"\ncache = \"no_cache\"\n",
            );
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
        let service = App::new().controllers(controllers()).into_service(folder.path()).await;
        let service = service.unwrap_or_else(|problems| panic!("{problems}"));
        Site { service, _folder: folder }
    }

    async fn ask(&self, method: &str, target: &str) -> (StatusCode, String, bool) {
        let request =
            http::Request::builder().method(method).uri(target).body(Body::empty()).unwrap();
        let (parts, body) = self.service.answer(request).await.into_parts();
        let text = String::from_utf8(body.collect(1 << 20).await.unwrap().to_vec()).unwrap();
        let is_hit = parts.headers["cache-status"].to_str().unwrap().starts_with("headwater; hit");
        let text = match parts.headers.get("location") {
            Some(location) => location.to_str().unwrap().to_owned(),
            None if parts.status == 200 => text,
            None => String::new(),
        };
        (parts.status, text, is_hit)
    }

    /// Checks that the first spelling, the canonical one, and all others that are accepted are the same page.
    async fn check(&self, kind: &str, spellings: &[&str]) {
        let own = format!("/{kind}/{}", spellings[0]);
        for written in spellings {
            for read in spellings {
                self.ask("GET", &format!("/{kind}/{read}")).await;
            }
            let (status, _, is_hit) = self.ask("GET", &own).await;
            assert!(status == 200 && is_hit, "{own} is cached: {status}");
            let (status, ..) = self.ask("POST", &format!("/{kind}/{written}")).await;
            let was_written = status == 204;
            assert!(was_written || *written != spellings[0], "{own}: {status}");
            for read in spellings {
                let (status, page, _) = self.ask("GET", &format!("/{kind}/{read}")).await;
                let (fresh_status, fresh, _) =
                    self.ask("GET", &format!("/fresh/{kind}/{read}")).await;
                let context = format!("{kind}: {read} after a write to {written}");
                if status.is_redirection() {
                    assert_eq!((status.as_u16(), page), (308, own.clone()), "{context}");
                } else {
                    assert_eq!((status, page), (fresh_status, fresh), "{context}");
                }
            }
        }
    }

    /// Also checks that the other spellings are not pages.
    async fn check_refused(&self, kind: &str, own: &str, others: &[&str]) {
        let all: Vec<&str> = [own].into_iter().chain(others.iter().copied()).collect();
        self.check(kind, &all).await;
        for other in others {
            for method in ["GET", "POST"] {
                let (status, ..) = self.ask(method, &format!("/{kind}/{other}")).await;
                assert_eq!(status, 404, "{method} /{kind}/{other}");
            }
        }
    }
}

#[tokio::test]
async fn another_spelling_of_a_value_is_a_404_whatever_its_type() {
    let site = Site::new().await;
    for (kind, own, others) in [
        ("unsigned", "5", &["05", "+5", "%2B5", "%2b05", "%305"][..]),
        ("signed", "-5", &["-05", "%2D05"]),
        ("signed", "0", &["-0", "+0", "00"]),
        (
            "wide",
            "340282366920938463463374607431768211455",
            &["0340282366920938463463374607431768211455"],
        ),
        ("nonzero", "7", &["07", "+7"]),
        ("float", "0.5", &[".5", "0.50", "5e-1", "5E-1", "+0.5", "00.5"]),
        ("float", "1", &["1.0", "1.", "1e0", "01"]),
        ("float", "0", &["-0", "0.0", "-0.0", "1e-999"]),
        ("float", "100000000000000000000000", &["1e23"]),
        ("narrow", "0.1", &["0.10000000149", "0.10"]),
        ("boolean", "true", &["on"]),
        ("date", "2026-03-01", &["20260301", "2026-03-01T00:00"]),
        (
            "moment",
            "2026-03-01T00:00:00Z",
            &["2026-03-01t00:00:00z", "2026-03-01T01:00:00%2B01:00", "2026-03-01 00:00:00Z"],
        ),
        ("id", "00af-0001", &["00AF-0001", "00af0001", "af0001", "%7B00af-0001%7D"]),
        ("address", "2001:db8::1", &["2001:0db8::1", "2001:DB8::1", "2001:db8:0:0:0:0:0:1"]),
        ("section", "news", &["nouvelles", "News"]),
        ("tag", "soup", &["Soup", "SOUP"]),
        ("optional", "5", &["05", "+5"]),
        ("tuple", "5", &["05", "+5"]),
        ("map", "5", &["05", "+5"]),
    ] {
        let others: Vec<String> = others.iter().map(|other| other.replace(' ', "%20")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        site.check_refused(kind, own, &others).await;
    }
}

#[tokio::test]
async fn percent_forms_of_a_path_are_one_page() {
    let site = Site::new().await;
    for (kind, spellings) in [
        ("word", &["ab", "%61b", "a%62", "%61%62"][..]),
        ("word", &["gr%C3%BC%C3%9F", "gr%c3%bc%c3%9f", "%67r%C3%bC%C3%9f"]),
        ("word", &["a%2Fb", "a%2fb", "%61%2Fb"]),
        ("word", &["a+b", "a%2Bb", "a%2bb"]),
        ("word", &["a:b@c", "a%3Ab@c", "a:b%40c", "%61%3a%62%40c"]),
        ("word", &["a~b", "a%7Eb", "a%7eb"]),
        ("word", &["100%25", "%31%30%30%25"]),
        ("letter", &["x", "%78"]),
        ("letter", &["%C3%9F", "%c3%9f"]),
        ("unsigned", &["5", "%35"]),
        ("boolean", &["true", "%74rue"]),
    ] {
        site.check(kind, spellings).await;
    }
}

#[tokio::test]
async fn a_capture_that_is_parsed_under_another_name_than_it_is_written_is_refused() {
    let site = Site::new().await;
    for kind in ["named", "flattened"] {
        for spelling in ["soup", "Soup"] {
            for method in ["GET", "POST"] {
                let (status, ..) = site.ask(method, &format!("/{kind}/{spelling}")).await;
                assert_eq!(status, 404, "{method} /{kind}/{spelling}");
            }
        }
    }
}

#[tokio::test]
async fn another_spelling_of_a_query_is_redirected_to_the_canonical_one() {
    let site = Site::new().await;
    let (_, first, _) = site.ask("GET", "/list?page=5").await;
    assert_eq!(site.ask("GET", "/list?page=5").await, (StatusCode::OK, first.clone(), true));
    for other in ["page=05", "page=%2B5", "page=0005", "p%61ge=05", "page=%305"] {
        let (status, location, _) = site.ask("GET", &format!("/list?{other}")).await;
        assert_eq!((status.as_u16(), location.as_str()), (308, "?page=5"), "{other}");
    }
    assert_eq!(
        site.ask("GET", "/list?page=%35&other=1").await,
        (StatusCode::OK, first.clone(), true)
    );
    assert_eq!(site.ask("POST", "/list/05").await.0, 404);
    assert_eq!(site.ask("GET", "/list?page=5").await, (StatusCode::OK, first.clone(), true));
    assert_eq!(site.ask("POST", "/list/5").await.0, 204);
    let (_, second, is_hit) = site.ask("GET", "/list?page=5").await;
    assert!(second != first && !is_hit, "{second}");
}
