use std::any::{TypeId, type_name};
use std::fmt;

use super::session::no_such_session;
use super::{NoSuchResource, NoSuchState, NotInKey};
use crate::request::RequestScope;
use crate::session::SessionData;
use crate::state::{States, Updates};

/// A requirement of an extractor on the site or the route. If it is not met, `check` and the start report an error,
/// instead of the first request.
///
/// An extractor declares its needs as [`FromRequestParts::NEEDS`](super::FromRequestParts::NEEDS). One that uses others
/// has theirs:
///
/// ```
/// use headwater::extract::{Cookies, FromRequestParts, Need, NotInKey};
/// use headwater::request::RequestParts;
///
/// struct Session(Option<String>);
///
/// impl FromRequestParts for Session {
///     type Rejection = NotInKey;
///     const NEEDS: &'static [Need] = Cookies::NEEDS;
///
///     async fn from_request_parts(parts: &mut RequestParts) -> Result<Session, NotInKey> {
///         let cookies = Cookies::from_request_parts(parts).await?;
///         Ok(Session(cookies.get("session").map(str::to_owned)))
///     }
/// }
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Need {
    /// The cookies: not on a cached route.
    Cookies,
    /// All headers: not on a cached route.
    AllHeaders,
    /// The header with this name: a cached route must name it in `vary`.
    Header(&'static str),
    /// The query parameter with this name: a cached route must have it in its key.
    Parameter(&'static str),
    /// The request's id in the logs: not on a cached route.
    RequestId,
    /// The visitor's address: not on a cached route.
    Remote,
    /// The page's language, which becomes part of the key.
    Lang,
    /// The scheme of the visitor's connection, which becomes part of the key.
    Scheme,
    /// Values in any spelling, as [`Form`](super::Form) reads them: not on a cached route.
    Form,
    /// Valid rules of a form; see [`Submitted`](crate::form::Submitted).
    Rules(NeededRules),
    /// Data that the controller changes, as [`DataMut`](super::DataMut): not on a cached route.
    Changes,
    /// The site's texts, as [`Texts`](super::Texts): not on a cached route.
    Texts,
    /// The visitor's session, of the site's type; see [`Need::session`]. Not on a cached route.
    Session(NeededSession),
    /// The user of the visitor's session: a cached route must declare `session = "user"`.
    SessionUser,
    /// That the visitor has a session, as [`signed_in`](crate::controller::signed_in) requires: not on a cached route.
    SignedIn,
    /// The site's front ends, as [`Cluster`](super::Cluster): `check` cannot see the invalidations that are made
    /// through it.
    Cluster,
    /// A state of the site; see [`Need::state`].
    State(NeededState),
    /// A resource of the site; see [`Need::resource`].
    Resource(NeededResource),
}

/// The rules of a form.
#[derive(Clone, Copy)]
pub struct NeededRules {
    wrong: fn() -> Option<String>,
}

/// A state, by its type.
#[derive(Clone, Copy)]
pub struct NeededState {
    type_name: fn() -> &'static str,
    is_there: fn(&States) -> bool,
}

/// The site's session, by its type.
#[derive(Clone, Copy)]
pub struct NeededSession {
    lacking: fn() -> String,
    id: fn() -> TypeId,
}

/// A resource, by its type.
#[derive(Clone, Copy)]
pub struct NeededResource {
    type_name: fn() -> &'static str,
    id: fn() -> TypeId,
}

impl Need {
    /// Creates the need for the state `S`, which the site adds with [`App::state`](crate::app::App::state).
    pub const fn state<S: Updates>() -> Need {
        Need::State(NeededState {
            type_name: type_name::<S>,
            is_there: |states| states.get::<S>().is_some(),
        })
    }

    /// Creates the need for a session `S`, whose type the site declares with
    /// [`App::session`](crate::app::App::session).
    pub const fn session<S: SessionData>() -> Need {
        Need::Session(NeededSession { lacking: no_such_session::<S>, id: TypeId::of::<S> })
    }

    /// Creates the need for the resource `T`, which the site adds with [`App::resource`](crate::app::App::resource).
    pub const fn resource<T: 'static>() -> Need {
        Need::Resource(NeededResource { type_name: type_name::<T>, id: TypeId::of::<T> })
    }

    /// Creates the need for valid rules of a form. `wrong` returns the reason if they are invalid.
    pub(crate) const fn rules(wrong: fn() -> Option<String>) -> Need {
        Need::Rules(NeededRules { wrong })
    }

    /// Checks whether a request with this scope meets the need.
    pub(crate) fn check_request(&self, scope: &RequestScope) -> Result<(), NotInKey> {
        match self {
            Need::Cookies => NotInKey::check_cookies(scope),
            Need::AllHeaders => NotInKey::check_all_headers(scope),
            Need::Header(name) => NotInKey::check_header(scope, name),
            Need::Parameter(name) => NotInKey::check_parameter(scope, name),
            Need::RequestId => NotInKey::check_request_id(scope),
            Need::Remote => NotInKey::check_remote(scope),
            Need::Form => NotInKey::check_form(scope),
            Need::Changes => NotInKey::check_changes(scope),
            Need::Texts => NotInKey::check_texts(scope),
            Need::Session(_) | Need::SignedIn => NotInKey::check_session(scope),
            Need::SessionUser => NotInKey::check_session_user(scope),
            Need::Lang
            | Need::Scheme
            | Need::Cluster
            | Need::Rules(_)
            | Need::State(_)
            | Need::Resource(_) => Ok(()),
        }
    }

    /// Returns whether the need concerns the visitor's session.
    pub(crate) fn is_of_session(&self) -> bool {
        matches!(self, Need::Session(_) | Need::SessionUser | Need::SignedIn)
    }

    /// Returns a message if the site does not meet the need. `has_resource` returns whether it has a resource of a
    /// type; `session` is the type of its sessions.
    pub(crate) fn lacking(
        &self,
        states: &States,
        has_resource: impl Fn(TypeId) -> bool,
        session: Option<TypeId>,
    ) -> Option<String> {
        match self {
            Need::State(state) if !(state.is_there)(states) => {
                Some(NoSuchState { type_name: (state.type_name)() }.to_string())
            }
            Need::Resource(resource) if !has_resource((resource.id)()) => {
                Some(NoSuchResource { type_name: (resource.type_name)() }.to_string())
            }
            Need::Rules(rules) => (rules.wrong)(),
            Need::SignedIn if session.is_none() => Some(
                "`signed_in` lets visitors with a session through, and the site has no sessions: add \
                 `App::new().session::<…>(\"/sign-in\")`"
                    .to_owned(),
            ),
            Need::Session(needed) if session != Some((needed.id)()) => Some((needed.lacking)()),
            _ => None,
        }
    }
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Cookies => f.write_str("Cookies"),
            Need::AllHeaders => f.write_str("AllHeaders"),
            Need::Header(name) => write!(f, "Header({name})"),
            Need::Parameter(name) => write!(f, "Parameter({name})"),
            Need::RequestId => f.write_str("RequestId"),
            Need::Remote => f.write_str("Remote"),
            Need::Lang => f.write_str("Lang"),
            Need::Scheme => f.write_str("Scheme"),
            Need::Form => f.write_str("Form"),
            Need::Rules(_) => f.write_str("Rules"),
            Need::Changes => f.write_str("Changes"),
            Need::Texts => f.write_str("Texts"),
            Need::Session(_) => f.write_str("Session"),
            Need::SessionUser => f.write_str("SessionUser"),
            Need::SignedIn => f.write_str("SignedIn"),
            Need::Cluster => f.write_str("Cluster"),
            Need::State(state) => write!(f, "State({})", (state.type_name)()),
            Need::Resource(resource) => write!(f, "Resource({})", (resource.type_name)()),
        }
    }
}
