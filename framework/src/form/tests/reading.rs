use std::collections::BTreeMap;

use crate::prelude::*;
use crate::request::RequestBuilder;

#[derive(Debug, Form)]
struct Album {
    #[form(required)]
    title: String,
    year: Option<u16>,
    #[form(type = "select")]
    tags: Vec<String>,
    #[form(accept = "image/png, image/webp, .pdf", max_size = 100)]
    cover: Option<FormFile>,
    pages: Vec<FormFile>,
}

#[derive(Debug, Form)]
struct Portrait {
    picture: FormFile,
}

fn post() -> RequestBuilder {
    Request::builder().method("POST")
}

/// A part of a form: name, file name and media type, content.
type Part<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a str);

fn multipart(parts: &[Part<'_>]) -> RequestBuilder {
    let mut body = String::new();
    for (name, file, content) in parts {
        body += &format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some((name, media_type)) = file {
            body += &format!("; filename=\"{name}\"\r\nContent-Type: {media_type}");
        }
        body += &format!("\r\n\r\n{content}\r\n");
    }
    let boundary = "multipart/form-data; boundary=XX";
    post().header("content-type", boundary).body(body + "--XX--\r\n")
}

async fn read<T: FormData>(builder: RequestBuilder) -> Submitted<T> {
    Submitted::from_request(builder.build().unwrap()).await.unwrap()
}

fn codes<T: FormData>(form: &Submitted<T>, field: &str) -> Vec<&'static str> {
    form.errors().of(field).map(FormError::code).collect()
}

const PNG: &str = "\u{89}PNG\r\n\u{1a}\n";

#[tokio::test]
async fn both_kinds_of_forms_are_read_alike() {
    let plain = post().form(&[("title", "Löß"), ("year", ""), ("tags", "a"), ("tags", "b")]);
    let parts = multipart(&[
        ("tags", None, "a"),
        ("title", None, "Löß"),
        ("year", None, ""),
        ("tags", None, "b"),
        ("cover", Some(("", "application/octet-stream")), ""),
        ("pages", Some(("", "application/octet-stream")), ""),
    ]);
    for builder in [plain, parts] {
        let album = read::<Album>(builder).await;
        let album = album.valid(|_| "refused").unwrap();
        assert_eq!((&*album.title, album.year), ("Löß", None));
        assert_eq!(album.tags, ["a", "b"]);
        assert!(album.cover.is_none() && album.pages.is_empty());
    }
}

#[tokio::test]
async fn a_form_sent_with_get_is_in_the_query() {
    let album = read::<Album>(Request::builder().uri("/?title=x&year=1999")).await;
    assert_eq!(album.value().unwrap().year, Some(1999));
}

#[tokio::test]
async fn a_request_without_a_form_is_refused() {
    let json = post().json(&serde_json::json!({})).build().unwrap();
    let rejection = Submitted::<Album>::from_request(json).await.unwrap_err();
    assert_eq!(rejection.into_reply().status(), 415);
    let long = post().form(&[("title", "0123456789")]).body_limit(10).build().unwrap();
    let rejection = Submitted::<Album>::from_request(long).await.unwrap_err();
    assert_eq!(rejection.into_reply().status(), 413);
}

#[tokio::test]
async fn a_type_that_no_field_can_have_is_the_sites_fault() {
    #[derive(Debug, Form)]
    struct Wrong {
        _pairs: BTreeMap<String, String>,
    }
    let request = post().form(&[("_pairs", "1")]).build().unwrap();
    let rejection = Submitted::<Wrong>::from_request(request).await.unwrap_err();
    assert_eq!(rejection.into_reply().status(), 500);
}

#[tokio::test]
async fn files_are_checked_by_type_name_and_content() {
    let cover = async |name: &str, media_type: &str, content: &str| {
        let parts = [("title", None, "x"), ("cover", Some((name, media_type)), content)];
        codes(&read::<Album>(multipart(&parts)).await, "cover")
    };
    assert_eq!(cover("a.pdf", "application/x-unknown", "PDF").await, Vec::<&str>::new());
    assert_eq!(cover("a.PDF", "application/pdf", "%PDF-1.7").await, Vec::<&str>::new());
    assert_eq!(cover("a.pdf", "application/pdf", "<script>").await, ["typeMismatch"]);
    assert_eq!(cover("a.png", "image/png", "<script>").await, ["typeMismatch"]);
    assert_eq!(cover("a.html", "text/html", "x").await, ["typeMismatch"]);
    assert_eq!(cover("a.html", "text/html; image/png", PNG).await, ["typeMismatch"]);
    assert_eq!(cover("a.pdf", "", &"x".repeat(101)).await, ["customError"]);
    assert_eq!(cover("a.pdf", "", &"x".repeat(100)).await, Vec::<&str>::new());
}

#[tokio::test]
async fn a_missing_required_file_is_an_error() {
    let portrait =
        |content: &str| read::<Portrait>(multipart(&[("picture", Some(("a", "")), content)]));
    assert_eq!(portrait("x").await.value().unwrap().picture.content(), "x");
    let nothing = [("picture", Some(("", "")), "")];
    assert_eq!(codes(&read::<Portrait>(multipart(&nothing)).await, "picture"), ["valueMissing"]);
    let two = [("picture", Some(("a", "")), "1"), ("picture", Some(("b", "")), "2")];
    assert_eq!(codes(&read::<Portrait>(multipart(&two)).await, "picture"), ["badInput"]);
    let text = post().form(&[("picture", "no file")]);
    assert_eq!(codes(&read::<Portrait>(text).await, "picture"), ["valueMissing"]);
}

#[tokio::test]
async fn discarded_bytes_of_a_file_count_against_the_body_limit() {
    let parts = [("title", None, "x"), ("cover", Some(("a.pdf", "")), &*"x".repeat(5000))];
    let request = multipart(&parts).body_limit(4000).build().unwrap();
    let rejection = Submitted::<Album>::from_request(request).await.unwrap_err();
    assert_eq!(rejection.into_reply().status(), 413);
    // Fields that the form does not have are not kept either.
    let parts = [("title", None, "x"), ("other", Some(("a", "")), &*"x".repeat(3000))];
    let album = read::<Album>(multipart(&parts).body_limit(4000)).await;
    assert!(album.value().is_some());
}
