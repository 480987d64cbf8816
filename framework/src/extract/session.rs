use std::any::type_name;
use std::ops::Deref;
use std::sync::Arc;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{FromRequestParts, Need, NotInKey, OptionalFromRequestParts};
use crate::log::{Draft, Revoked, SessionId};
use crate::reply::{self, IntoReply, Reply};
use crate::request::{RequestParts, SiteAccess};
use crate::session::{Ended, SIGN_IN_FIRST, SessionData, SessionRecord, revocation};
use crate::state::WriteError;

/// The visitor's session, which dereferences to the site's own data. A visitor without a session is redirected to the
/// site's sign-in page ([`App::session`](crate::app::App::session)), and a client that prefers JSON receives a problem
/// document with status 401; with `Option<Session<S>>` the controller decides.
///
/// A cached route rejects this extractor: a page that is the same for all visitors cannot depend on a session.
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
/// #[controller("account.show")]
/// async fn show(account: Session<Account>) -> Reply {
///     text(format!("Hello, {}!", account.name))
/// }
///
/// #[controller("session.end")]
/// async fn sign_out(account: Session<Account>) -> Result<Reply> {
///     let ended = account.end().await?;
///     Ok(redirect_to("/").sign_out(ended))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Session<S> {
    data: S,
    record: Arc<SessionRecord>,
    site: Arc<SiteAccess>,
}

/// Error of extracting a [`Session`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionRejection {
    /// The visitor has no session. The response is a redirect to the sign-in page at this address; without an address,
    /// and for clients that receive problem documents, it is status 401.
    SignIn(Option<String>),
    /// The route is cached.
    NotInKey(NotInKey),
}

impl<S: SessionData> Session<S> {
    /// Returns the session's id, as for [`Cluster::revoke`](super::Cluster::revoke).
    pub fn id(&self) -> SessionId {
        self.record.id
    }

    /// Ends the session. When this returns, no front end and no back end accepts any copy of its cookie.
    ///
    /// # Errors
    /// Fails if the log cannot store the record. The session then remains valid, unless the error is
    /// [`WriteError::InDoubt`].
    pub async fn end(self) -> Result<Ended, WriteError> {
        // The revocation has a long lifetime, because a front end may just have renewed the session.
        let revocations = vec![revocation(Revoked::Session(self.record.id))];
        let draft = Draft { revocations, ..Draft::default() };
        let receipt = self.site.journal.write_one(draft).await?.receipt;
        Ok(Ended { receipt })
    }
}

impl<S> Deref for Session<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.data
    }
}

impl<S: SessionData> OptionalFromRequestParts for Session<S> {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::session::<S>()];

    async fn optional_from_request_parts(
        parts: &mut RequestParts,
    ) -> Result<Option<Session<S>>, NotInKey> {
        NotInKey::check_session(&parts.scope)?;
        let found = parts.session.as_ref().and_then(|record| Some((record.decode::<S>()?, record)));
        Ok(found.map(|(data, record)| Session {
            data,
            record: Arc::clone(record),
            site: Arc::clone(&parts.site),
        }))
    }
}

impl<S: SessionData> FromRequestParts for Session<S> {
    type Rejection = SessionRejection;
    const NEEDS: &'static [Need] = &[Need::session::<S>()];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Session<S>, SessionRejection> {
        let session = Session::optional_from_request_parts(parts).await;
        let session = session.map_err(SessionRejection::NotInKey)?;
        session.ok_or_else(|| SessionRejection::of_guest(parts))
    }
}

/// Returns the address of the sign-in page, which redirects back to the page that was requested.
fn sign_in(parts: &RequestParts) -> Option<String> {
    let page = parts.site.sign_in.as_deref()?;
    let back = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
    Some(match back {
        Some(back) => {
            format!("{page}?back={}", utf8_percent_encode(back.as_str(), NON_ALPHANUMERIC))
        }
        None => page.to_owned(),
    })
}

impl SessionRejection {
    /// Returns the rejection for a visitor without a session.
    pub(crate) fn of_guest(parts: &RequestParts) -> SessionRejection {
        SessionRejection::SignIn(sign_in(parts))
    }
}

impl IntoReply for SessionRejection {
    fn into_reply(self) -> Reply {
        match self {
            SessionRejection::SignIn(Some(address)) => Reply::to_sign_in(address),
            SessionRejection::SignIn(None) => {
                reply::error(http::StatusCode::UNAUTHORIZED).message(SIGN_IN_FIRST)
            }
            SessionRejection::NotInKey(error) => error.into_reply(),
        }
    }
}

/// Returns the message for a controller that takes another type of session than the site's.
pub(super) fn no_such_session<S>() -> String {
    let name = type_name::<S>();
    format!(
        "a controller takes `Session<{name}>`, but the site's sessions are of no such type: register it with \
         `App::new().session::<{name}>(\"/sign-in\")`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Account {
        id: u64,
    }

    impl SessionData for Account {
        fn user(&self) -> Option<String> {
            Some(self.id.to_string())
        }
    }

    #[tokio::test]
    async fn a_visitor_without_a_session_is_redirected_to_sign_in() {
        let mut request = Request::builder().session(&Account { id: 7 }).build().unwrap();
        let session = Session::<Account>::from_request_parts(&mut request.parts).await.unwrap();
        assert_eq!(*session, Account { id: 7 });
        session.end().await.unwrap();

        let mut request = Request::builder().uri("/drafts?page=2").build().unwrap();
        request.parts.site = Arc::new(SiteAccess {
            sign_in: Some("/sign-in".into()),
            ..SiteAccess::clone(&request.parts.site)
        });
        let rejection =
            Session::<Account>::from_request_parts(&mut request.parts).await.unwrap_err();
        let reply = rejection.into_reply();
        assert_eq!(reply.headers()["location"], "/sign-in?back=%2Fdrafts%3Fpage%3D2");
        let none = Session::<Account>::optional_from_request_parts(&mut request.parts).await;
        assert!(none.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_cached_route_has_no_session() {
        let builder = Request::builder().session(&Account { id: 7 }).cached("page", None, &[]);
        let mut request = builder.build().unwrap();
        let rejection = Option::<Session<Account>>::from_request_parts(&mut request.parts).await;
        assert!(rejection.unwrap_err().to_string().contains("the visitor's session"));
    }
}
