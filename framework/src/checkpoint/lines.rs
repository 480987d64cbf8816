//! Records as lines of JSON.

use serde::Serialize;

use super::json::Item;
use crate::log::{FileChange, Invalidation, Membership, Position, Record, StateHash};

#[derive(Serialize)]
struct Line<'a> {
    position: Position,
    /// In milliseconds since 1970-01-01T00:00:00Z.
    time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    /// The version of the update's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalidates: Option<&'a Invalidation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred: Option<&'a Invalidation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settles: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Member<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_hash: Option<Hash>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Member<'a> {
    Joined { incarnation: String, name: &'a str, lease_ms: u64 },
    Left { incarnation: String },
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    /// None when it was removed.
    blake3: Option<String>,
    length: Option<u64>,
}

#[derive(Serialize)]
struct Hash {
    after: Position,
    fingerprint: String,
    fields: Vec<Option<String>>,
}

/// A record as a line of JSON, without the line's end. Its update is decoded if its encoding names what it
/// holds.
pub(crate) fn record_line(record: &Record) -> String {
    let content = &record.content;
    let update = content.update.as_ref();
    let said = |invalidation| Some(invalidation).filter(|it: &&Invalidation| !it.is_empty());
    let line = Line {
        position: record.position,
        time: record.time,
        state: update.map(|update| &*update.state),
        version: update.map(|update| update.version),
        update: update.map(|update| Item::decode(&update.update)),
        invalidates: said(&content.invalidation),
        deferred: said(&content.deferred),
        settles: content.settles,
        member: content.membership.as_ref().map(Member::of),
        files: content.files.iter().map(File::of).collect(),
        state_hash: content.hash.as_ref().map(Hash::of),
    };
    serde_json::to_string(&line).expect("keys are strings, so it can be written")
}

impl Member<'_> {
    fn of(membership: &Membership) -> Member<'_> {
        match membership {
            Membership::Joined { incarnation, name, lease } => Member::Joined {
                incarnation: format!("{incarnation:016x}"),
                name,
                lease_ms: lease.as_millis() as u64,
            },
            Membership::Left { incarnation } => {
                Member::Left { incarnation: format!("{incarnation:016x}") }
            }
        }
    }
}

impl Hash {
    fn of(StateHash { after, fingerprint, fields }: &StateHash) -> Hash {
        let fields = fields.iter().map(|hash| hash.map(|hash| format!("{hash:032x}")));
        let fingerprint = format!("{fingerprint:016x}");
        Hash { after: *after, fingerprint, fields: fields.collect() }
    }
}

impl File<'_> {
    fn of(change: &FileChange) -> File<'_> {
        let FileChange { path, content } = change;
        File { path, blake3: content.map(|it| it.hex()), length: content.map(|it| it.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Draft, StateUpdate};

    #[test]
    fn a_record_is_a_line_that_shows_its_update() {
        let update = |update: &[u8]| {
            let update = bytes::Bytes::copy_from_slice(update);
            let update = Some(StateUpdate {
                state: "site".to_owned(),
                version: 1,
                update,
                seed: 0,
                id: None,
            });
            let invalidation = Invalidation::new().group("news");
            let content = Draft { update, invalidation, ..Draft::default() };
            record_line(&Record { position: Position(7), time: 9, content })
        };
        let rest = r#""invalidates":{"groups":["news"],"patterns":[],"soft_groups":[],"soft_patterns":[]}}"#;
        let named =
            r#"{"position":7,"time":9,"state":"site","version":1,"update":{"Add":{"n":1}},"#;
        assert_eq!(update(b"\x81\xa3Add\x81\xa1n\x01"), format!("{named}{rest}"));
        let opaque =
            r#"{"position":7,"time":9,"state":"site","version":1,"update":{"$hex":"0003"},"#;
        assert_eq!(update(&[0, 3]), format!("{opaque}{rest}"));
    }

    #[test]
    fn a_record_that_says_what_the_data_were_shows_it() {
        let fields = vec![Some(1 << 100), None];
        let hash = StateHash { after: Position(256), fingerprint: 7, fields };
        let content = Draft { hash: Some(hash), ..Draft::default() };
        let line = record_line(&Record { position: Position(300), time: 9, content });
        let hash = r#"{"after":256,"fingerprint":"0000000000000007","fields":["00000010000000000000000000000000",null]}"#;
        assert_eq!(line, format!(r#"{{"position":300,"time":9,"state_hash":{hash}}}"#));
    }
}
