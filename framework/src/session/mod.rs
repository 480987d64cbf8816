//! Sessions: the identity of a visitor, in a sealed cookie, without a store.
//!
//! - [`SessionData`]: the data that a site stores about a visitor who has signed in.
//! - `SessionRecord`: the same data inside the framework, with the session's id, user, issue and expiry.
//! - `Keys`: seals records into cookies and opens them, on front ends only.
//! - `Flash`: a message for the next page, which is sealed in a cookie as well.
//! - `Revocations`: the sessions that have ended before their expiry.
//! - `Openings`: decides whether a session was issued in this log, or in one that this log continues.
//!
//! # The argument
//!
//! **A session is accepted if, and only if, it has not expired and no record of the log after its issue revokes it.**
//! It is sealed with AES-256-GCM under a key that only front ends have, so the content of a cookie was written by a
//! front end. The identity of a visitor is decided by a controller, on a back end: its reply begins a session, and the
//! front end that sends the reply seals it.
//!
//! *Position of issue.* A session is issued at the position that the back end had applied before its controller ran,
//! not at that of the reply. So if a password was checked before a record that revokes the user's sessions, that record
//! also revokes the new session, even if the reply was sent later. A call that itself revokes the user's sessions and
//! then begins a new one, such as a change of the password, issues it at the position of its own record.
//!
//! *Log of issue.* A position is meaningful only in its log. A session contains the opening of the log in which it was
//! issued. If the current log does not have that opening at that position, because it was restored from a backup or is
//! another log, records that revoked the session may be missing, and the session is not accepted. A back end sends the
//! list of the log's openings to a front end whenever it admits it to a feed.
//!
//! *Revocation everywhere.* Revocations are part of the records that invalidate, arrive with the same feed, and are
//! applied before the cache's position advances. So when a writer has its receipt, every front end with a lease has
//! applied them. A front end without a lease may lack the newest ones: it accepts no session, but forwards it to a back
//! end, which has applied the log itself and decides. A front end that does not resume a feed receives all revocations
//! with the snapshot; a back end restores them from its checkpoint and the records after it.
//!
//! *Renewal.* A front end that accepts a session in the second half of its life seals it again, with a later expiry and
//! the same id, user and issue; so a revocation of the one also revokes the other. It does so only while it holds a
//! lease, hence not after a revocation was acknowledged, and a revocation is remembered for the longest life of a
//! session. The renewed cookie is sent with a response that no shared cache stores.
//!
//! *Bounds.* A revocation is forgotten when the last session that it can concern has expired. At a million revocations
//! the older half is forgotten, and all sessions issued before the youngest of that half are rejected: their visitors
//! must sign in again, but no revoked session becomes valid. The number of sessions that this ends depends on the time
//! at which a node began to count; nodes may differ in it, always to the safe side.
//!
//! # Limits
//!
//! A request in progress when a session ends is completed as it was begun. The data of a session are as old as its
//! issue: data that must be current at each request belong into tables, with the session's user as key.

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

/// The message for a visitor without a session if one is required.
pub(crate) const SIGN_IN_FIRST: &str = "Please sign in first.";

/// The longest life of a session: browsers store no cookie for longer (RFC 6265bis, section 5.5).
pub(crate) const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Returns the time at which a session that begins now has certainly expired, in milliseconds since
/// 1970-01-01T00:00:00Z.
pub(crate) fn longest_from_now() -> u64 {
    milliseconds_since_1970() + LONGEST.as_millis() as u64
}

/// Returns the part of a record that ends these sessions. It is remembered until sessions that begin now have expired.
pub(crate) fn revocation(sessions: Revoked) -> Revocation {
    Revocation { sessions, until: longest_from_now() }
}

/// Proof that a session has ended: returned by [`Session::end`](crate::extract::Session::end), for
/// [`Reply::sign_out`](crate::reply::Reply::sign_out).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ended {
    /// The receipt: every front end has applied the revocation or has no lease.
    pub receipt: Receipt,
}

/// The data that a site stores about a visitor who has signed in: their id, their name, their permissions. They are
/// stored in a sealed cookie of the visitor, so keep them small: less than 2 KiB.
///
/// `#[derive(Session)]` implements it. The field with `#[session(user)]` identifies the user of the session, so that
/// all sessions of a user can be ended; its type implements `Display`, with a different text for each user.
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
    /// Returns the user of the session; `None` if it has no user.
    fn user(&self) -> Option<String>;
}
