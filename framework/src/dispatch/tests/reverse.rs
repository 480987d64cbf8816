use proptest::prelude::*;

use super::*;
use crate::dispatch::reverse::UrlError;

const SITE: &str = r#"
    route = [
        { name = "story", path = "/stories/{slug}", controller = "c" },
        { name = "image", path = "/img-{id}.png", controller = "c" },
        { name = "file", path = "/files/{*path}", controller = "c" },
        { name = "home", path = "/größe", controller = "c" },
        { name = "day", pattern = '^/(?<year>[0-9]{4})/(?<day>[0-9]+)\.html$', controller = "c" },
        { name = "tree", pattern = '/tree/(?<path>[a-z/]+)', controller = "c" },
        { name = "any", pattern = '/(a|b)+', controller = "c" },
    ]"#;

fn url(name: &str, params: &[(&str, &str)]) -> Result<String, UrlError> {
    table(SITE).url_for(name, params.iter().copied())
}

#[test]
fn captures_are_filled_in_and_encoded() {
    for (name, params, expected) in [
        ("story", &[("slug", "a b/c?é")][..], "/stories/a%20b%2Fc%3F%C3%A9"),
        ("image", &[("id", "7")], "/img-7.png"),
        ("file", &[("path", "a b/c")], "/files/a%20b/c"),
        ("home", &[], "/gr%C3%B6%C3%9Fe"),
        ("day", &[("day", "31"), ("year", "2024")], "/2024/31.html"),
        ("tree", &[("path", "a/b")], "/tree/a/b"),
    ] {
        assert_eq!(url(name, params).as_deref(), Ok(expected));
    }
}

#[test]
fn other_parameters_become_the_query() {
    let params = [("page", "2"), ("slug", "x"), ("q", "a b&c")];
    assert_eq!(url("story", &params).as_deref(), Ok("/stories/x?page=2&q=a+b%26c"));
}

#[test]
fn errors_name_the_existing_routes() {
    let message = |name: &str, params: &[(&str, &str)]| url(name, params).unwrap_err().to_string();
    assert!(message("storry", &[]).ends_with("did you mean `story`?"));
    assert!(message("zebra", &[]).ends_with("there are any, day, file, home, image, story, tree"));
    assert!(message("story", &[("slag", "x")]).contains("its parameter `slug` is missing"));
    assert!(message("day", &[("year", "2024")]).contains("its parameter `day` is missing"));
    assert!(message("day", &[("year", "x"), ("day", "1")]).contains("does not match `/x/1.html`"));
    assert!(message("story", &[("slug", "..")]).contains("does not match `/stories/..`"));
    assert!(message("file", &[("path", "/a")]).contains("does not match `/files//a`"));
    assert!(message("any", &[]).contains("literal text and named captures"));
    let empty = table("").url_for("a", [("", ""); 0]).unwrap_err().to_string();
    assert!(empty.ends_with("no route of dispatch.conf has a `name`"), "{empty}");
}

proptest! {
    #[test]
    fn a_url_resolves_to_its_route(slug in "[^\\p{Cc}\\\\]{1,8}") {
        let site = table(SITE);
        if let Ok(url) = site.url_for("story", [("slug", &slug)]) {
            let answer = ask(&site, "GET", &url);
            prop_assert!(answer.ends_with(&format!(" slug={slug}")), "{}", answer);
        } else {
            prop_assert!(slug.split('/').any(|part| matches!(part, "." | "..")), "{}", slug);
        }
    }
}
