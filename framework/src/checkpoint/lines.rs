//! Records as lines of JSON.

use serde::Serialize;

use super::json::Item;
use crate::log::{
    FileChange, IdSource, Invalidation, Membership, Position, Record, Revocation, Revoked,
    StateHash, UpdateId,
};

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
    update_id: Option<Id>,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ends: Vec<Ended<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_hash: Option<Hash>,
}

/// The id by which an update is recognised when its request is sent a second time.
#[derive(Serialize)]
struct Id {
    request: String,
    /// The update's number among those of the request.
    number: u32,
    /// The time for which it is kept, if a client has named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_s: Option<u32>,
    /// Whether a front end has sent the request again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    again: bool,
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
    /// `None` if the file was removed.
    blake3: Option<String>,
    length: Option<u64>,
}

/// Sessions that end.
#[derive(Serialize)]
struct Ended<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// All sessions of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// The time at which the last of them would have expired, in milliseconds since 1970-01-01T00:00:00Z.
    until: u64,
}

#[derive(Serialize)]
struct Hash {
    after: Position,
    fingerprint: String,
    fields: Vec<Option<String>>,
}

/// Returns a record as a line of JSON, without the newline. Its update is decoded if its encoding contains
/// names.
pub(crate) fn record_line(record: &Record) -> String {
    let content = &record.content;
    let update = content.update.as_ref();
    let unless_empty =
        |invalidation| Some(invalidation).filter(|it: &&Invalidation| !it.is_empty());
    let line = Line {
        position: record.position,
        time: record.time,
        state: update.map(|update| &*update.state),
        version: update.map(|update| update.version),
        update: update.map(|update| Item::decode(&update.update)),
        update_id: update.and_then(|update| update.id.as_ref()).map(Id::of),
        invalidates: unless_empty(&content.invalidation),
        deferred: unless_empty(&content.deferred),
        settles: content.settles,
        member: content.membership.as_ref().map(Member::of),
        files: content.files.iter().map(File::of).collect(),
        ends: content.revocations.iter().map(Ended::of).collect(),
        state_hash: content.hash.as_ref().map(Hash::of),
    };
    serde_json::to_string(&line).expect("keys are strings, so it can be written")
}

impl Id {
    fn of(UpdateId { call, number, source }: &UpdateId) -> Id {
        let (kept_s, again) = match source {
            IdSource::Client { kept, .. } => (Some(*kept), false),
            IdSource::FrontEnd { again_after } => (None, again_after.is_some()),
        };
        Id { request: format!("{call:032x}"), number: *number, kept_s, again }
    }
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

impl Ended<'_> {
    fn of(Revocation { sessions, until }: &Revocation) -> Ended<'_> {
        let (session, user) = match sessions {
            Revoked::Session(session) => (Some(session.to_string()), None),
            Revoked::User(user) => (None, Some(&**user)),
        };
        Ended { session, user, until: *until }
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
    use crate::log::{Draft, RequestDigest, StateUpdate};

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
    fn a_repeatable_update_is_shown_with_its_id() {
        let line = |source| {
            let (state, update) = ("site".to_owned(), bytes::Bytes::from_static(&[1]));
            let id = Some(UpdateId { call: 0xabc, number: 2, source });
            let update = Some(StateUpdate { state, version: 1, update, seed: 0, id });
            let content = Draft { update, ..Draft::default() };
            record_line(&Record { position: Position(7), time: 9, content })
        };
        let shown = |rest: &str| {
            let request = "00000000000000000000000000000abc";
            format!(
                r#"{{"position":7,"time":9,"state":"site","version":1,"update":1,"update_id":{{"request":"{request}","number":2{rest}}}}}"#
            )
        };
        let request = RequestDigest { head: 5, body: None };
        assert_eq!(line(IdSource::Client { request, kept: 60 }), shown(r#","kept_s":60"#));
        assert_eq!(line(IdSource::FrontEnd { again_after: None }), shown(""));
        let again_after = Some(Position(3));
        assert_eq!(line(IdSource::FrontEnd { again_after }), shown(r#","again":true"#));
    }

    #[test]
    fn a_record_that_ends_sessions_lists_them() {
        let session = "000000000000000000000000000000ff".parse().unwrap();
        let ended = [Revoked::Session(session), Revoked::User("ada".to_owned())];
        let revocations = ended.map(|sessions| Revocation { sessions, until: 99 }).to_vec();
        let content = Draft { revocations, ..Draft::default() };
        let line = record_line(&Record { position: Position(7), time: 9, content });
        let ends = r#"{"session":"000000000000000000000000000000ff","until":99},{"user":"ada","until":99}"#;
        assert_eq!(line, format!(r#"{{"position":7,"time":9,"ends":[{ends}]}}"#));
    }

    #[test]
    fn a_record_with_a_state_hash_shows_it() {
        let fields = vec![Some(1 << 100), None];
        let hash = StateHash { after: Position(256), fingerprint: 7, fields };
        let content = Draft { hash: Some(hash), ..Draft::default() };
        let line = record_line(&Record { position: Position(300), time: 9, content });
        let hash = r#"{"after":256,"fingerprint":"0000000000000007","fields":["00000010000000000000000000000000",null]}"#;
        assert_eq!(line, format!(r#"{{"position":300,"time":9,"state_hash":{hash}}}"#));
    }
}
