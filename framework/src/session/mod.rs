//! Sessions: who a visitor is, in a sealed cookie, without a store.
//!
//! - [`SessionData`]: what a site keeps about a visitor who has signed in.
//! - `SessionRecord`: the same as the framework carries it about, with its id, user, issue and expiry.
//! - `Keys`: seals records into cookies and opens them, on front ends only.
//! - `Flash`: a message for the next page, which is sealed in a cookie likewise.
//! - `Revocations`: which sessions have ended before they expired.
//! - `Openings`: which sessions are of a log that this one is not a continuation of.
//!
//! # The argument
//!
//! **A session is honoured if, and only if, it has not expired and no record of the log behind its issue
//! revokes it.** It is sealed with AES-256-GCM under a key that only front ends have, so what a cookie
//! says was said by a front end. Who a visitor is, is decided by a controller, on a back end: a reply says
//! that a session begins, and the front end that sends the reply seals it.
//!
//! *Issued when.* A session is issued at the position that the back end had applied before its controller
//! ran, not at that of the reply. So a password that was checked before a record that revokes the user's
//! sessions gives a session that the record revokes, though the reply came after it. A call that itself
//! revokes the user's sessions and then begins a new one, as a change of the password does, issues
//! it at the position of its own record.
//!
//! *Which log.* A position means something only in its log. A session carries the opening of the log that
//! it was issued in; where the log at hand does not have that opening at that position, because it was
//! restored from a backup or is another one, records that revoked the session may be missing, and it is not
//! honoured. A back end lists the openings of the log for a front end whenever it admits it to a feed.
//!
//! *Revoked everywhere.* Revocations are in the records that invalidate, come with the same feed, and are
//! applied before the cache's position moves. So when a writer has its receipt, every front end that
//! holds a lease has them. A front end without a lease may lack the newest ones: it honours no session, and
//! hands it on to a back end, which has applied the log itself and decides.
//! A front end that does not resume a feed is given all revocations with the snapshot; a back end finds
//! them in its checkpoint and the records behind it.
//!
//! *Renewed.* A front end that honours a session which is half over seals it anew, with a later expiry and the same id, user and
//! issue; so what revokes the one revokes the other. It does so while it holds a lease only, hence not after a revocation
//! was answered, and a record that revokes is remembered for the longest that a session may live. What is renewed goes out with a
//! response that no shared cache keeps.
//!
//! *Bounded.* A revocation is forgotten when the last session that it can concern has expired. At
//! a million of them the older half is forgotten, and all sessions issued before the youngest of that half
//! are no longer honoured: their visitors sign in once more, but nothing that was revoked comes back. How many
//! that are depends on when a node began to count; nodes may differ in it, always to the safe side.
//!
//! # What this does not do
//!
//! A request that was under way when a session ended is answered as it was begun. A session's data are as
//! old as its issue: what must hold at each request belongs into tables, with the session's user as key.

mod flash;
mod openings;
mod record;
mod revocations;
mod seal;

pub use headwater_macros::Session;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use flash::{Flash, SentFlash};
pub(crate) use openings::Openings;
pub(crate) use record::{Issue, SessionChange, SessionRecord};
pub(crate) use revocations::Revocations;
pub(crate) use seal::{FlashCookies, Keys, SessionCookies};

use crate::log::{Receipt, Revocation, Revoked, milliseconds_since_1970};

/// What a visitor without a session is told where one is needed.
pub(crate) const SIGN_IN_FIRST: &str = "Please sign in first.";

/// The longest that a session may live: browsers keep no cookie for longer (RFC 6265bis, section 5.5).
pub(crate) const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// When a session that begins now has ended for certain, in milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn longest_from_now() -> u64 {
    milliseconds_since_1970() + LONGEST.as_millis() as u64
}

/// What ends these sessions, in a record: it counts until those that begin now have expired.
pub(crate) fn revocation(sessions: Revoked) -> Revocation {
    Revocation { sessions, until: longest_from_now() }
}

/// That a session has ended: what [`Session::end`](crate::extract::Session::end) returns, for
/// [`Reply::sign_out`](crate::reply::Reply::sign_out).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ended {
    /// That every front end knows it.
    pub receipt: Receipt,
}

/// What a site keeps about a visitor who has signed in: their id, their name, what they may do. It
/// travels in a sealed cookie of the visitor, so keep it small: less than 2 KiB.
///
/// `#[derive(Session)]` implements it. The field with `#[session(user)]` says whose session it is, so
/// that all sessions of a user can be ended; its type implements `Display`, and each user has a text of
/// their own.
///
/// ```
/// use headwater::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Session)]
/// struct Account {
///     #[session(user)]
///     id: u64,
///     name: String,
/// }
///
/// let ana = Account { id: 7, name: "Ana".to_owned() };
/// assert_eq!(ana.user().as_deref(), Some("7"));
/// ```
pub trait SessionData: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The user whose session it is; `None` when it is of no particular one.
    fn user(&self) -> Option<String>;
}
