use super::Before;
use crate::extract::{Need, NotInKey, SessionRejection};
use crate::reply::{IntoReply, Reply};
use crate::request::Request;

/// A before-step, `#[before(signed_in)]`, that only admits visitors with a session, for controllers that do not need
/// its data. Others are redirected to the site's sign-in page, with the requested page as `back`. A cached route
/// rejects it, like [`Session`](crate::extract::Session).
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("archive.show")]
/// #[before(signed_in)]
/// async fn show() -> Reply {
///     text("For members.")
/// }
/// ```
#[allow(non_upper_case_globals, reason = "it is used like steps that are functions")]
pub const signed_in: SignedIn = SignedIn;

/// The type of [`signed_in`].
#[derive(Debug, Clone, Copy)]
pub struct SignedIn;

impl Before for SignedIn {
    const NEEDS: &'static [Need] = &[Need::SignedIn];

    async fn before(&self, request: &mut Request) -> Result<(), Reply> {
        let checked = NotInKey::check_session(&request.parts.scope);
        checked.map_err(IntoReply::into_reply)?;
        match request.parts.session {
            Some(_) => Ok(()),
            None => Err(SessionRejection::of_guest(&request.parts).into_reply()),
        }
    }
}
