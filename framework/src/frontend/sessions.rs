use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use crate::cache::Cache;
use crate::clock;
use crate::link::SnapshotPiece;
use crate::log::{
    Epoch, LogEpoch, LogId, Position, Revocation, SessionId, milliseconds_since_1970,
};
use crate::session::{Issue, Openings, Revocations, SessionChange, SessionCookies, SessionRecord};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// The sessions of a site, as a front end knows them: opens and seals their cookies, and follows which have
/// ended. `session/mod.rs` has the argument.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// `None` if the site has no sessions.
    cookies: Option<SessionCookies>,
    /// How long a session lives.
    lifetime: Duration,
    cache: Arc<Cache>,
    known: RwLock<Known>,
}

/// What the log says.
#[derive(Debug, Default)]
struct Known {
    openings: Openings,
    /// `None` if they could not be read.
    revocations: Option<Revocations>,
}

/// The session of the client whose request is answered, opened when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct ClientSession {
    opened: OnceLock<Option<Arc<SessionRecord>>>,
    /// Whose it is, if it was honoured when a page of its user was first asked for.
    user: OnceLock<Option<String>>,
}

impl ClientSession {
    /// That of this user.
    pub(super) fn of_user(user: Option<String>) -> ClientSession {
        ClientSession { opened: OnceLock::new(), user: user.into() }
    }

    /// Settles whose pages the client is shown.
    pub(super) fn settle_user(&self, user: impl FnOnce() -> Option<String>) {
        self.user.get_or_init(user);
    }

    /// Whose pages the client is shown: no user's where that is not settled.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.get()?.as_deref()
    }
}

impl Sessions {
    /// Those that these cookies hold, if the site has sessions; while `cache` has a lease, what is known here is
    /// complete.
    pub(crate) fn new(
        cookies: Option<SessionCookies>,
        lifetime: Duration,
        cache: Arc<Cache>,
    ) -> Sessions {
        Sessions { cookies, lifetime, cache, known: RwLock::default() }
    }

    /// What a client's cookie says, unless it has expired or is known to have ended. A back end decides
    /// whether it has.
    pub(super) fn open<'a>(
        &self,
        headers: &HeaderMap,
        client: &'a ClientSession,
    ) -> Option<&'a Arc<SessionRecord>> {
        let cookies = self.cookies.as_ref()?;
        let open = || {
            let session = cookies.open(headers)?;
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let has_ended = known.revocations.as_ref().is_some_and(|known| known.revoke(&session));
            (!has_ended && session.expires > milliseconds_since_1970()).then(|| Arc::new(session))
        };
        client.opened.get_or_init(open).as_ref()
    }

    /// Whether a session that was opened is honoured here, without asking a back end: only while this front
    /// end holds a lease.
    pub(super) fn honours(&self, session: &SessionRecord) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let has_ended = known.revocations.as_ref().is_none_or(|known| known.revoke(session));
        !has_ended
            && known.openings.include(&session.issued)
            && self.cache.holds_lease(clock::now())
    }

    /// Gives the client's session its whole life again once half of it is over, where it was asked for, and where the response
    /// says that no cache but the browser's keeps it. `session/mod.rs` says why it ends all the same.
    pub(super) fn renew(&self, client: &ClientSession, headers: &mut HeaderMap) {
        let (Some(cookies), Some(Some(session))) = (&self.cookies, client.opened.get()) else {
            return;
        };
        let (now, lifetime) = (milliseconds_since_1970(), self.lifetime.as_millis() as u64);
        if session.expires.saturating_sub(now) >= lifetime / 2 {
            return;
        }
        let caching = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let mut directives = caching.flat_map(|value| value.split(',')).map(str::trim);
        let is_private = directives.any(|directive| ["private", "no-store"].contains(&directive));
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

    /// What a response says of the client's session: a controller that ran on `log` has said `change`.
    ///
    /// # Errors
    /// When the session cannot be kept in a cookie.
    pub(super) fn change(
        &self,
        change: SessionChange,
        log: LogEpoch,
        headers: &mut HeaderMap,
    ) -> Result<(), String> {
        let Some(cookies) = &self.cookies else {
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
        headers.append(SET_COOKIE, cookie);
        Ok(())
    }

    /// A back end has admitted the front end: its log has these openings. What has ended is in `snapshot`,
    /// unless the feed is resumed.
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

    /// Applies what a record says.
    pub(super) fn apply(&self, position: Position, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &mut known.revocations {
            known.apply(position, revocations, milliseconds_since_1970());
        }
    }

    /// A record could not be read: no session is honoured until a back end sends all that have ended.
    pub(super) fn distrust(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).revocations = None;
    }
}
