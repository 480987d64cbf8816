use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Deserializer};

use super::*;
use crate::extract::fields::decode_spelled;
use crate::extract::{FromRequestParts, Path};
use crate::request::Request;

/// A type that, like most dates and ids, reads several forms of a text and writes one.
#[derive(Debug, PartialEq)]
struct Id(u32);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Id, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.trim_start_matches("urn:id:");
        u32::from_str_radix(digits, 16).map(Id).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:04x}", self.0))
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Section {
    #[serde(alias = "neues")]
    News,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Search {
    #[serde(alias = "p")]
    page: Option<u32>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    tag: HashSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Id>,
}

/// A type that writes a text that it cannot read.
#[derive(Debug, Deserialize, Serialize)]
struct OneWay {
    #[serde(skip_serializing)]
    #[expect(dead_code)]
    token: Option<String>,
}

async fn path<T>(texts: &[&str]) -> Result<T, u16>
where
    T: serde::de::DeserializeOwned + Serialize + Send,
{
    let request = texts
        .iter()
        .zip(["a", "b"])
        .fold(Request::builder(), |builder, (text, name)| builder.param(name, *text));
    let mut request = request.build().unwrap();
    let taken = Path::<T>::from_request_parts(&mut request.parts).await;
    taken
        .map(|path| path.0)
        .map_err(|error| crate::reply::IntoReply::into_reply(error).status().as_u16())
}

/// Returns the statuses of these spellings in a path, and checks whether the query `a=…` accepts
/// them.
async fn statuses<T>(spellings: &[&str]) -> Vec<u16>
where
    T: serde::de::DeserializeOwned + Serialize + Send,
{
    let mut statuses = Vec::new();
    for spelling in spellings {
        let status = path::<T>(&[*spelling]).await.err().unwrap_or(200);
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("a", spelling).finish();
        let query = decode_spelled::<BTreeMap<String, T>>(query.as_bytes(), 1000);
        assert_eq!(query.is_ok(), status == 200, "{spelling}");
        statuses.push(status);
    }
    statuses
}

#[tokio::test]
async fn each_value_has_one_spelling_whatever_its_type() {
    assert_eq!(statuses::<u64>(&["5", "0"]).await, [200; 2]);
    assert_eq!(statuses::<u64>(&["05", "+5", "00"]).await, [404; 3]);
    assert_eq!(statuses::<i8>(&["-5", "-05", "-0", "+0"]).await, [200, 404, 404, 404]);
    assert_eq!(statuses::<u128>(&["7", "07"]).await, [200, 404]);
    assert_eq!(statuses::<f64>(&["1", "0.5", "-0.5", "0"]).await, [200; 4]);
    assert_eq!(statuses::<f64>(&["1.0", "1e0", ".5", "-0", "+1", "1."]).await, [404; 6]);
    assert_eq!(statuses::<f32>(&["0.1", "0.10000000149"]).await, [200, 404]);
    assert_eq!(statuses::<bool>(&["true", "false", "on", "1"]).await, [200, 200, 404, 400]);
    assert_eq!(statuses::<char>(&["ß", "%"]).await, [200; 2]);
    assert_eq!(statuses::<String>(&["05", "Ä", " "]).await, [200; 3]);
    assert_eq!(statuses::<Section>(&["news", "neues"]).await, [200, 404]);
    assert_eq!(statuses::<Id>(&["00af"]).await, [200]);
    assert_eq!(statuses::<Id>(&["00AF", "af", "000af", "urn:id:00af"]).await, [404; 4]);
    assert_eq!(statuses::<Option<u64>>(&["5", "05"]).await, [200, 404]);
}

#[tokio::test]
async fn every_capture_is_checked() {
    assert_eq!(path::<(u8, Id)>(&["1", "00af"]).await, Ok((1, Id(0xaf))));
    assert_eq!(path::<(u8, Id)>(&["01", "00af"]).await, Err(404));
    assert_eq!(path::<(u8, Id)>(&["1", "af"]).await, Err(404));
    assert_eq!(path::<BTreeMap<String, u8>>(&["1", "02"]).await, Err(404));
}

#[test]
fn a_query_is_spelled_as_its_type_writes_it() {
    let right = |query: &str| match decode_spelled::<Search>(query.as_bytes(), 1000) {
        Ok(_) => "unchanged".to_owned(),
        Err((_, right)) => right.unwrap(),
    };
    for query in
        ["", "page=5", "all=true&page=5", "tag=b&tag=a", "after=00af", "utm=05", "page=5&utm=x"]
    {
        assert_eq!(right(query), "unchanged", "{query}");
    }
    for (query, expected) in [
        ("page=05", "page=5"),
        ("page=%2B5&utm=x", "page=5&utm=x"),
        ("all=on", "all=true"),
        ("after=AF&page=05", "after=00af&page=5"),
        ("tag=a&tag=a", "tag=a"),
    ] {
        assert_eq!(right(query), expected);
    }
    assert!(decode_spelled::<Vec<(String, u8)>>(b"b=1&a=2", 1000).is_ok());
    let (_, right) = decode_spelled::<Vec<(String, u8)>>(b"b=1&a=02", 1000).unwrap_err();
    assert_eq!(right.unwrap(), "b=1&a=2");
}

#[test]
fn a_text_that_a_type_reads_but_does_not_write_is_rejected() {
    let (error, _) = decode_spelled::<Search>(b"p=5", 1000).unwrap_err();
    assert_eq!(error.to_string(), "`p`: \"5\" is not how this value is spelled");
    assert!(decode_spelled::<OneWay>(b"token=x", 1000).is_err());
    assert!(decode_spelled::<OneWay>(b"other=x", 1000).is_ok());
}
