use bytes::Bytes;
use imbl::OrdMap;

use super::SessionRecord;
use crate::encoded::{encode, read_pieces, to_pieces};
use crate::log::{Position, Revocation, Revoked};

/// How many revocations are remembered.
const MOST: usize = 1_000_000;

/// Which sessions have ended before they expired, as the records up to a position say.
///
/// It does no harm to apply a record twice. A clone costs next to nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revocations {
    revoked: OrdMap<Revoked, Entry>,
    /// Sessions that were issued before this are not honoured.
    floor: Position,
}

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Entry {
    /// The record.
    position: Position,
    /// When it may be forgotten, in milliseconds since 1970-01-01T00:00:00Z.
    until: u64,
}

impl Revocations {
    /// Applies what the record at `position` says, which is applied at `now`.
    pub(crate) fn apply(&mut self, position: Position, revocations: &[Revocation], now: u64) {
        for Revocation { sessions, until } in revocations {
            let known = self.revoked.get(sessions);
            let until = known.map_or(*until, |known| known.until.max(*until));
            let position = known.map_or(position, |known| known.position.max(position));
            self.revoked.insert(sessions.clone(), Entry { position, until });
        }
        if self.revoked.len() > MOST {
            self.forget(now);
        }
    }

    /// Whether a session has ended.
    pub(crate) fn revoke(&self, session: &SessionRecord) -> bool {
        let issued = session.issued.position;
        if issued < self.floor || self.revoked.contains_key(&Revoked::Session(session.id)) {
            return true;
        }
        let user = session.user.clone().map(Revoked::User);
        let of_user = user.and_then(|user| self.revoked.get(&user));
        of_user.is_some_and(|entry| issued < entry.position)
    }

    /// Forgets what concerns no session any more, and if that is not enough, the older half.
    fn forget(&mut self, now: u64) {
        self.keep(|entry| entry.until > now);
        if self.revoked.len() <= MOST / 4 * 3 {
            return;
        }
        let mut positions: Vec<Position> =
            self.revoked.values().map(|entry| entry.position).collect();
        let middle = positions.len() / 2;
        let (_, floor, _) = positions.select_nth_unstable(middle);
        self.floor = self.floor.max(*floor);
        let floor = self.floor;
        self.keep(|entry| entry.position > floor);
        tracing::warn!(%floor, "too many revoked sessions: all that are older are ended");
    }

    fn keep(&mut self, is_kept: impl Fn(&Entry) -> bool) {
        let revoked = std::mem::take(&mut self.revoked).into_iter();
        self.revoked = revoked.filter(|(_, entry)| is_kept(entry)).collect();
    }

    /// All of them, encoded in pieces of bounded length.
    pub(crate) fn to_pieces(&self) -> Vec<Bytes> {
        to_pieces(encode(&self.floor, Vec::new()), self.revoked.iter())
    }

    /// Reads what [`to_pieces`](Revocations::to_pieces) made; `None` when it is something else.
    pub(crate) fn from_pieces<'a>(
        pieces: impl IntoIterator<Item = &'a Bytes>,
    ) -> Option<Revocations> {
        let mut pieces = pieces.into_iter().map(|piece| &piece[..]);
        let Some(first) = pieces.next() else { return Some(Revocations::default()) };
        let (floor, first) = postcard::take_from_bytes::<Position>(first).ok()?;
        let mut revoked = OrdMap::new();
        read_pieces(
            std::iter::once(first).chain(pieces),
            |(sessions, entry): (Revoked, Entry)| {
                revoked.insert(sessions, entry);
            },
        )?;
        Some(Revocations { revoked, floor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogEpoch, SessionId};
    use crate::session::Issue;

    fn session(user: Option<&str>, position: u64) -> SessionRecord {
        let issued = Issue { log: LogEpoch::first_of(1), position: Position(position), time: 0 };
        let user = user.map(str::to_owned);
        SessionRecord { id: SessionId::random(), user, issued, expires: 100, data: Vec::new() }
    }

    fn of_user(user: &str) -> Revocation {
        Revocation { sessions: Revoked::User(user.to_owned()), until: 100 }
    }

    #[test]
    fn a_session_ends_by_its_id_and_with_those_of_its_user() {
        let (one, other) = (session(Some("ana"), 3), session(Some("ana"), 3));
        let (later, of_none) = (session(Some("ana"), 8), session(None, 3));
        let mut revocations = Revocations::default();
        let by_id = Revocation { sessions: Revoked::Session(one.id), until: 100 };
        revocations.apply(Position(5), &[by_id], 0);
        assert!(revocations.revoke(&one) && !revocations.revoke(&other));
        revocations.apply(Position(8), &[of_user("ana")], 0);
        assert!(revocations.revoke(&other));
        assert!(!revocations.revoke(&later), "it was issued by the call that revoked the others");
        assert!(!revocations.revoke(&of_none));
    }

    #[test]
    fn revocations_are_read_as_they_were_written() {
        let mut revocations = Revocations::default();
        assert!(!Revocations::from_pieces(&[]).unwrap().revoke(&session(Some("ana"), 0)));
        for number in 0..20_000 {
            revocations.apply(Position(number + 1), &[of_user(&format!("user {number}"))], 0);
        }
        let pieces = revocations.to_pieces();
        assert!(pieces.len() > 1);
        let read = Revocations::from_pieces(&pieces).unwrap();
        for revocations in [revocations, read] {
            assert!(revocations.revoke(&session(Some("user 9"), 9)));
            assert!(!revocations.revoke(&session(Some("user 9"), 10)));
        }
        assert!(Revocations::from_pieces([&Bytes::from_static(b"\x00\x07")]).is_none());
    }

    #[test]
    fn too_many_revocations_end_the_sessions_of_the_time_before() {
        let mut revocations = Revocations::default();
        let by_id = |_| Revocation { sessions: Revoked::Session(SessionId::random()), until: 100 };
        let old = session(Some("ana"), 1);
        revocations.apply(Position(2), &[of_user("ana")], 0);
        for position in 3..=1003 {
            let many: Vec<Revocation> = (0..1000).map(by_id).collect();
            revocations.apply(Position(position), &many, 0);
        }
        assert!(revocations.revoked.len() <= MOST);
        assert!(revocations.revoke(&old), "what was revoked does not come back");
        assert!(!revocations.revoke(&session(Some("bob"), 1000)));
        // What has expired is forgotten without ending anything else.
        let floor = revocations.floor;
        for position in 1004..=2004 {
            let many: Vec<Revocation> = (0..1000).map(by_id).collect();
            revocations.apply(Position(position), &many, 101);
        }
        assert_eq!(revocations.floor, floor);
    }
}
