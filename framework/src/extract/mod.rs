//! Extractors: the types of a controller's arguments, which are extracted from the request.
//!
//! ```text
//! Request ── FromRequestParts ──> Path, Query, Headers, Cookies, Data, …   any argument
//!    └────── FromRequest ───────> Form, Json, Multipart, Bytes, String, Body   only one argument
//! ```
//!
//! - A type must implement [`FromRequestParts`] or [`FromRequest`] to be an argument. An argument of type `Result<T,
//!   T::Rejection>` leaves the handling of errors to the controller; `Option<T>` is `None` when the value is absent.
//! - From the route: [`Path`], [`Query`], [`Uri`], [`Method`], [`VariantName`], [`Lang`], [`Scheme`].
//! - From the body: [`Form`] (with [`FormFile`]), [`Json`], [`Multipart`], [`Bytes`], `String`, [`Body`].
//! - From the headers: [`Headers`], [`HeaderMap`], [`Cookies`].
//! - About the visit: [`Remote`], [`RequestId`], and [`Extension`] for values that before-steps have stored.
//! - About the visitor: [`Session`].
//! - From the site: [`Data`], [`Resource`], [`Cluster`], [`Texts`].
//!
//! The [needs](Need) of a type are checked against its route and the site before anything is served. A value in the
//! path, or in a query of the cache key, has one canonical spelling (see `spelling.rs` for the reason).
//!
//! Each extractor has its own error type, its rejection, with a status and a message about the expected input. On a
//! cached route, an extractor for data outside of the cache key returns [`NotInKey`], whose message names the setting
//! of the route to declare. This module must not depend on where a controller runs.

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
