//! What a controller's arguments take out of the request.
//!
//! ```text
//! Request ── FromRequestParts ──> Path, Query, Headers, Cookies, Data, …   any argument
//!    └────── FromRequest ───────> Form, Json, Multipart, Bytes, String, Body   only one argument
//! ```
//!
//! - [`FromRequestParts`] and [`FromRequest`] are what a type needs to be an argument. An argument
//!   of type `Result<T, T::Rejection>` leaves a failure to the controller; `Option<T>` is `None`
//!   when what `T` takes is not there.
//! - From the route: [`Path`], [`Query`], [`Uri`], [`Method`], [`VariantName`], [`Lang`], [`Scheme`].
//! - From the body: [`Form`] (with [`FormFile`]), [`Json`], [`Multipart`], [`Bytes`], `String`, [`Body`].
//! - From the headers: [`Headers`], [`HeaderMap`], [`Cookies`].
//! - About the visit: [`Remote`], [`RequestId`], and [`Extension`] for what before-steps left.
//! - About the visitor: [`Session`].
//! - From the site: [`Data`], [`Resource`], [`Cluster`], [`Texts`].
//!
//! What a type [needs](Need) of its route or of the site is checked before anything is served.
//! A value of the path, or of a query in the cache key, has one spelling (`spelling.rs` says why).
//!
//! What cannot be taken is refused with a rejection: a type of its own, with a status and a
//! sentence that says what was expected. On a route that caches, asking for what is not in the
//! cache key gives [`NotInKey`], which says which key of the route to declare. This module must not
//! know where a controller runs.

mod body;
mod captures;
mod cluster;
mod cookies;
mod data;
mod decode_error;
mod extension;
mod fields;
mod form;
mod from_request;
mod headers;
mod json;
mod lang;
mod line;
mod multipart;
mod need;
mod path;
mod query;
mod rejection;
mod resource;
mod session;
mod session_user;
mod spelling;
mod text_value;
mod texts;
mod variant_name;
mod visit;

pub use body::{BytesRejection, StringRejection};
pub use cluster::Cluster;
pub use cookies::Cookies;
pub use data::{Data, DataMut, DataMutRejection, NoSuchState};
pub use decode_error::DecodeError;
pub use extension::{Extension, MissingExtension};
pub use form::{Form, FormFile, FormRejection};
pub use from_request::{
    FromRequest, FromRequestParts, OptionalFromRequest, OptionalFromRequestParts, ViaOption,
    ViaParts, ViaRequest, ViaResult,
};
pub use headers::Headers;
pub use json::{Json, JsonRejection};
pub use lang::{Lang, NotKnown};
pub use multipart::{Field, Multipart, MultipartError, MultipartRejection};
pub use need::{Need, NeededResource, NeededRules, NeededSession, NeededState};
pub use path::{Path, PathRejection};
pub use query::{Query, QueryRejection};
pub use resource::{NoSuchResource, Resource};
pub use session::{Session, SessionRejection};
pub use session_user::SessionUser;
pub(crate) use texts::LoadedTexts;
pub use texts::Texts;
pub use variant_name::VariantName;
pub use visit::{Remote, RequestId};

pub use crate::body::{Body, BodyError};
pub use crate::http::Scheme;
pub use crate::request::NotInKey;
pub use ::bytes::Bytes;
pub use ::http::{HeaderMap, Method, Uri};

pub(crate) use fields::{decode_field, texts_of};
pub(crate) use form::SentFields;
pub(crate) use rejection::reply_of;
