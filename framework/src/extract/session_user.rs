use std::str::FromStr;

use super::{FromRequestParts, Need, NotInKey, OptionalFromRequestParts, SessionRejection};
use crate::request::RequestParts;

/// The user of the visitor's session, which is the field with `#[session(user)]`, and no other data of the session. So
/// a route with `session = "user"` may cache its pages: each user has a separate page, and visitors without a session
/// share one. A user that cannot be parsed as `U` counts as none.
///
/// A visitor without a session is redirected to the site's sign-in page; with `Option<SessionUser<U>>` the controller
/// decides.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("account.corner")]
/// async fn corner(user: Option<SessionUser<u64>>) -> Reply {
///     match user {
///         Some(SessionUser(id)) => html(format!("<p>Number {id}</p>")),
///         None => html("<a href=\"/sign-in\">Sign in</a>"),
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionUser<U = String>(pub U);

impl<U: FromStr + Send> OptionalFromRequestParts for SessionUser<U> {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::SessionUser];

    async fn optional_from_request_parts(
        parts: &mut RequestParts,
    ) -> Result<Option<SessionUser<U>>, NotInKey> {
        Ok(parts.session_user()?.and_then(|user| user.parse().ok()).map(SessionUser))
    }
}

impl<U: FromStr + Send> FromRequestParts for SessionUser<U> {
    type Rejection = SessionRejection;
    const NEEDS: &'static [Need] = &[Need::SessionUser];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Self, SessionRejection> {
        let user = SessionUser::optional_from_request_parts(parts).await;
        let user = user.map_err(SessionRejection::NotInKey)?;
        user.ok_or_else(|| SessionRejection::of_guest(parts))
    }
}
