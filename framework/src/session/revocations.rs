use bytes::Bytes;
use imbl::OrdMap;

use super::SessionRecord;
use crate::encoded::{encode, read_pieces, to_pieces};
use crate::log::{Position, Revocation, Revoked};

/// The maximum number of revocations that are remembered.
const MOST: usize = 1_000_000;

/// The sessions that have ended before their expiry, according to the records up to a position.
///
/// Applying a record twice has no further effect. A clone is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revocations {
    revoked: OrdMap<Revoked, Entry>,
    /// Sessions that were issued before this position are rejected.
    floor: Position,
}

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Entry {
    /// The position of the record.
    position: Position,
    /// The time after which it may be forgotten, in milliseconds since 1970-01-01T00:00:00Z.
    until: u64,
}

impl Revocations {
    /// Applies the revocations of the record at `position`, at the time `now`.
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

    /// Returns whether a session has ended.
    pub(crate) fn contain(&self, session: &SessionRecord) -> bool {
        let issued = session.issued.position;
        if issued < self.floor || self.revoked.contains_key(&Revoked::Session(session.id)) {
            return true;
        }
        let user = session.user.clone().map(Revoked::User);
        let of_user = user.and_then(|user| self.revoked.get(&user));
        of_user.is_some_and(|entry| issued < entry.position)
    }

    /// Removes the revocations that no longer concern any session, and if that is not enough, the
    /// older half.
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
        tracing::warn!(%floor, "too many revoked sessions: all sessions issued before the floor are ended");
    }

    fn keep(&mut self, is_kept: impl Fn(&Entry) -> bool) {
        let revoked = std::mem::take(&mut self.revoked).into_iter();
        self.revoked = revoked.filter(|(_, entry)| is_kept(entry)).collect();
    }

    /// Encodes all revocations, in pieces of bounded length.
    pub(crate) fn to_pieces(&self) -> Vec<Bytes> {
        to_pieces(encode(&self.floor, Vec::new()), self.revoked.iter())
    }

    /// Decodes the output of [`to_pieces`](Revocations::to_pieces); `None` if it is malformed.
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
        assert!(revocations.contain(&one) && !revocations.contain(&other));
        revocations.apply(Position(8), &[of_user("ana")], 0);
        assert!(revocations.contain(&other));
        assert!(!revocations.contain(&later), "it was issued by the call that revoked the others");
        assert!(!revocations.contain(&of_none));
    }

    #[test]
    fn revocations_are_read_as_they_were_written() {
        let mut revocations = Revocations::default();
        assert!(!Revocations::from_pieces(&[]).unwrap().contain(&session(Some("ana"), 0)));
        for number in 0..20_000 {
            revocations.apply(Position(number + 1), &[of_user(&format!("user {number}"))], 0);
        }
        let pieces = revocations.to_pieces();
        assert!(pieces.len() > 1);
        let read = Revocations::from_pieces(&pieces).unwrap();
        for revocations in [revocations, read] {
            assert!(revocations.contain(&session(Some("user 9"), 9)));
            assert!(!revocations.contain(&session(Some("user 9"), 10)));
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
        assert!(revocations.contain(&old), "a revoked session stays revoked");
        assert!(!revocations.contain(&session(Some("bob"), 1000)));
        // Expired revocations are forgotten without ending other sessions.
        let floor = revocations.floor;
        for position in 1004..=2004 {
            let many: Vec<Revocation> = (0..1000).map(by_id).collect();
            revocations.apply(Position(position), &many, 101);
        }
        assert_eq!(revocations.floor, floor);
    }
}
