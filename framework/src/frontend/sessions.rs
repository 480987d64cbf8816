use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use crate::cache::Cache;
use crate::clock;
use crate::http::{is_kept_from_shared_caches, keep_from_shared_caches};
use crate::link::SnapshotPiece;
use crate::log::{
    Epoch, LogEpoch, LogId, Position, Revocation, SessionId, milliseconds_since_1970,
};
use crate::session::{Issue, Openings, Revocations, SessionChange, SessionCookies, SessionRecord};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Returns whether a session has the type that the site's code declares now.
type IsOfTheSite = fn(&SessionRecord) -> bool;

/// The sessions of a site on a front end: opens and seals their cookies, and follows which sessions have ended. The
/// correctness argument is in `session/mod.rs`.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// `None` if the site has no sessions.
    cookies: Option<(SessionCookies, IsOfTheSite)>,
    /// The lifetime of a session.
    lifetime: Duration,
    cache: Arc<Cache>,
    known: RwLock<Known>,
}

/// The state of sessions according to the log.
#[derive(Debug, Default)]
struct Known {
    openings: Openings,
    /// `None` if they could not be decoded.
    revocations: Option<Revocations>,
}

/// The session of the client whose request is answered, opened when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct ClientSession {
    opened: OnceLock<Option<Arc<SessionRecord>>>,
    /// The session's user, if the session was honoured when a page of the user was first requested.
    user: OnceLock<Option<String>>,
}

impl ClientSession {
    /// Creates the session of this user, without a cookie.
    pub(super) fn of_user(user: Option<String>) -> ClientSession {
        ClientSession { opened: OnceLock::new(), user: user.into() }
    }

    /// Determines the user whose pages the client sees, once.
    pub(super) fn settle_user(&self, user: impl FnOnce() -> Option<String>) {
        self.user.get_or_init(user);
    }

    /// Returns the user whose pages the client sees; `None` before [`settle_user`](ClientSession::settle_user).
    pub(super) fn user(&self) -> Option<&str> {
        self.user.get()?.as_deref()
    }
}

impl Sessions {
    /// Creates the sessions in these cookies; `None` if the site has no sessions. Revocations are complete here while
    /// `cache` has a lease.
    pub(crate) fn new(
        cookies: Option<(SessionCookies, IsOfTheSite)>,
        lifetime: Duration,
        cache: Arc<Cache>,
    ) -> Sessions {
        Sessions { cookies, lifetime, cache, known: RwLock::default() }
    }

    /// Opens the session in a client's cookie, unless it has expired, is known here to have ended, or has another type
    /// than the site's sessions. Only a back end can decide for certain whether it has ended.
    pub(super) fn open<'a>(
        &self,
        headers: &HeaderMap,
        client: &'a ClientSession,
    ) -> Option<&'a Arc<SessionRecord>> {
        let (cookies, is_of_the_site) = self.cookies.as_ref()?;
        let open = || {
            let session = cookies.open(headers).filter(is_of_the_site)?;
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let has_ended = known.revocations.as_ref().is_some_and(|known| known.contain(&session));
            (!has_ended && session.expires > milliseconds_since_1970()).then(|| Arc::new(session))
        };
        client.opened.get_or_init(open).as_ref()
    }

    /// Returns whether an opened session is honoured without asking a back end: only while this front end holds a
    /// lease.
    pub(super) fn honours(&self, session: &SessionRecord) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let has_ended = known.revocations.as_ref().is_none_or(|known| known.contain(session));
        !has_ended
            && known.openings.include(&session.issued)
            && self.cache.holds_lease(clock::now())
    }

    /// Extends the client's session to its whole lifetime once half of it is over, if the session was read and the
    /// response's headers allow only the browser's cache to store it. `session/mod.rs` explains why a renewed session
    /// can still be ended.
    pub(super) fn renew(&self, client: &ClientSession, headers: &mut HeaderMap) {
        let (Some((cookies, _)), Some(Some(session))) = (&self.cookies, client.opened.get()) else {
            return;
        };
        let (now, lifetime) = (milliseconds_since_1970(), self.lifetime.as_millis() as u64);
        if session.expires.saturating_sub(now) >= lifetime / 2 {
            return;
        }
        let is_private = is_kept_from_shared_caches(headers);
        if !is_private || cookies.is_set_in(headers) || !self.honours(session) {
            return;
        }
        let renewed = SessionRecord { expires: now + lifetime, ..SessionRecord::clone(session) };
        let cookie = cookies.set(&renewed, self.lifetime.as_secs() as i64);
        let cookie = cookie.ok().and_then(|cookie| HeaderValue::try_from(cookie).ok());
        if let Some(cookie) = cookie {
            headers.append(SET_COOKIE, cookie);
        }
    }

    /// Writes a session change into a response's headers. The controller that requested it ran on `log`.
    ///
    /// # Errors
    /// When the session does not fit into a cookie, or the site has no sessions.
    pub(super) fn change(
        &self,
        change: SessionChange,
        log: LogEpoch,
        headers: &mut HeaderMap,
    ) -> Result<(), String> {
        let Some((cookies, _)) = &self.cookies else {
            return Err("a reply begins or ends a session, but the site has no sessions: add \
                        `App::new().session::<…>(\"/sign-in\")`"
                .to_owned());
        };
        let cookie = match change {
            SessionChange::Begin { user, position, data } => {
                let time = milliseconds_since_1970();
                let expires = time + self.lifetime.as_millis() as u64;
                let (id, issued) = (SessionId::random(), Issue { log, position, time });
                let session = SessionRecord { id, user, issued, expires, data };
                cookies.set(&session, self.lifetime.as_secs() as i64)?
            }
            SessionChange::End => {
                headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
                cookies.forget()
            }
        };
        let cookie = HeaderValue::try_from(cookie).map_err(|error| error.to_string())?;
        keep_from_shared_caches(headers);
        headers.append(SET_COOKIE, cookie);
        Ok(())
    }

    /// Stores the log's openings when a back end admits the front end. `snapshot` contains the ended sessions, and is
    /// `None` if the feed is resumed.
    pub(super) fn welcomed(
        &self,
        log: LogId,
        openings: &[(Epoch, Position)],
        snapshot: Option<&[SnapshotPiece]>,
    ) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.openings = Openings::of(log, openings.to_vec());
        if let Some(snapshot) = snapshot {
            let pieces = snapshot.iter().filter_map(|piece| match piece {
                SnapshotPiece::Revocations(piece) => Some(piece),
                SnapshotPiece::Files(_) => None,
            });
            known.revocations = Revocations::from_pieces(pieces);
            if known.revocations.is_none() {
                tracing::error!("cannot read which sessions have ended: none is honoured");
            }
        }
    }

    /// Applies the revocations of a record.
    pub(super) fn apply(&self, position: Position, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &mut known.revocations {
            known.apply(position, revocations, milliseconds_since_1970());
        }
    }

    /// Honours no session until a back end sends all revocations, because a record could not be decoded.
    pub(super) fn distrust(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).revocations = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheLimits;
    use crate::session::Keys;

    const LOG: LogEpoch = LogEpoch::first_of(1);

    fn sessions(is_of_the_site: IsOfTheSite) -> Sessions {
        let sessions = without_lease(is_of_the_site);
        sessions.cache.renew(clock::now(), Duration::from_secs(3600));
        sessions
    }

    fn without_lease(is_of_the_site: IsOfTheSite) -> Sessions {
        let limits = CacheLimits { bytes: 1 << 10, persistent_bytes: 1, groups: 1, patterns: 1 };
        let cache = Cache::new(limits);
        cache.follow(LOG, Position::START);
        let cookies = SessionCookies::new(Keys::of(["secret"]), true);
        let lifetime = Duration::from_secs(3600);
        let sessions = Sessions::new(Some((cookies, is_of_the_site)), lifetime, Arc::new(cache));
        sessions.welcomed(LOG.id, &[(LOG.epoch, Position::START)], Some(&[]));
        sessions
    }

    /// A request of a client whose session ends in a minute, so that less than half of its lifetime is left.
    fn request(sessions: &Sessions) -> HeaderMap {
        let issued = Issue { log: LOG, position: Position::START, time: 0 };
        let (id, user) = (SessionId::random(), Some("ana".to_owned()));
        let expires = milliseconds_since_1970() + 60_000;
        let session = SessionRecord { id, user, issued, expires, data: Vec::new() };
        let set = sessions.cookies.as_ref().unwrap().0.set(&session, 60).unwrap();
        let pair = set.split(';').next().unwrap().parse().unwrap();
        HeaderMap::from_iter([(http::header::COOKIE, pair)])
    }

    #[test]
    fn a_front_end_without_a_lease_renews_no_session() {
        let sessions = without_lease(|_| true);
        let (request, client) = (request(&sessions), ClientSession::default());
        let session = sessions.open(&request, &client).unwrap();
        assert!(!sessions.honours(session));
        let no_store = (http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut headers = HeaderMap::from_iter([no_store]);
        sessions.renew(&client, &mut headers);
        assert!(!headers.contains_key(SET_COOKIE));
        sessions.cache.renew(clock::now(), Duration::from_secs(3600));
        sessions.renew(&client, &mut headers);
        assert!(headers.contains_key(SET_COOKIE));
    }

    #[test]
    fn a_session_of_another_type_is_not_opened() {
        let (own, other) = (sessions(|_| true), sessions(|_| false));
        let request = request(&own);
        assert!(own.open(&request, &ClientSession::default()).is_some());
        assert!(other.open(&request, &ClientSession::default()).is_none());
    }

    #[test]
    fn a_session_is_renewed_only_in_responses_that_shared_caches_do_not_store() {
        let sessions = sessions(|_| true);
        let request = request(&sessions);
        for (lines, is_renewed) in [
            (&[("cache-control", "private, no-cache")][..], true),
            (&[("cache-control", "no-store")], true),
            (&[("cache-control", "no-cache")], false),
            (&[], false),
            (&[("cache-control", "private"), ("cdn-cache-control", "max-age=60")], false),
            (&[("cache-control", "no-store"), ("set-cookie", "__Host-session=")], false),
            (&[("cache-control", "no-store"), ("set-cookie", "__Host-session-hint=1")], true),
        ] {
            let line = |(name, value): &(&'static str, &'static str)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value))
            };
            let mut headers: HeaderMap = lines.iter().map(line).collect();
            let before = headers.get_all(SET_COOKIE).iter().count();
            let client = ClientSession::default();
            sessions.renew(&client, &mut headers.clone());
            sessions.open(&request, &client);
            sessions.renew(&client, &mut headers);
            let set = headers.get_all(SET_COOKIE).iter().count() - before;
            assert_eq!(set, usize::from(is_renewed), "{lines:?}");
        }
    }
}
