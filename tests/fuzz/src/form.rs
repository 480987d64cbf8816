//! The fields of forms and queries, as a site's types.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use futures_util::FutureExt;
use headwater::extract::{Form, FromRequest, FromRequestParts, Query};
use headwater::request::Request;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Draft {
    title: String,
    #[serde(default)]
    tags: Vec<String>,
    pages: Option<i32>,
    #[serde(default)]
    is_public: bool,
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    News,
    Story,
}

/// `data` is a body.
pub fn run(data: &[u8]) {
    let fields = posted::<BTreeMap<String, Vec<String>>>(data);
    if let Some(fields) = &fields {
        let mut parsed = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in form_urlencoded::parse(data).into_owned() {
            parsed.entry(name).or_default().push(value);
        }
        assert_eq!(*fields, parsed, "the fields are those of the standard");
    }
    let Some(draft) = posted::<Draft>(data) else { return };
    let written = write(&draft);
    assert_eq!(posted::<Draft>(written.as_bytes()), Some(draft), "what is written is read back");
    let request = Request::builder().uri(format!("/?{written}")).build();
    let mut parts = request.expect("a form is a query").parts;
    let query = Query::<Draft>::from_request_parts(&mut parts).now_or_never();
    let query = query.expect("nothing waits").ok().map(|Query(draft)| write(&draft));
    assert!(query.is_none_or(|query| query == written), "a query is read like a body");
}

fn posted<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    let request = Request::builder()
        .method("POST")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_vec());
    let form = Form::<T>::from_request(request.build().ok()?).now_or_never();
    form.expect("all of it is there").ok().map(|Form(fields)| fields)
}

fn write(draft: &Draft) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("title", &draft.title);
    form.extend_pairs(draft.tags.iter().map(|tag| ("tags", tag)));
    if let Some(pages) = draft.pages {
        form.append_pair("pages", &pages.to_string());
    }
    form.append_pair("is_public", if draft.is_public { "true" } else { "false" });
    if let Some(kind) = draft.kind {
        form.append_pair("kind", if kind == Kind::News { "news" } else { "story" });
    }
    form.finish()
}
