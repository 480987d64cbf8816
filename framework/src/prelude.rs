//! The items that a site's code usually needs: `use headwater::prelude::*;`.

pub use crate::app::{App, RenderedPage};
pub use crate::controller::{
    After, Before, Controller, Controllers, Error, Next, OrNotFound, Registration, Result,
    bad_request, file, forbidden, not_found, signed_in,
};
pub use crate::controllers;
pub use crate::dispatch::CacheType;
pub use crate::extract::{
    Body, Bytes, Cluster, Cookies, Data, DataMut, Extension, Form, FormFile, FromRequest,
    FromRequestParts, HeaderMap, Headers, Json, Lang, Method, Multipart, Need, Path, Query, Remote,
    RequestId, Resource, Scheme, Session, SessionUser, Texts, Uri, VariantName,
};
pub use crate::form::{Errors, FilledForm, FormData, FormError, Submitted};
pub use crate::frontend::{Variant, Visitor};
pub use crate::http::{decode_cookie_value, encode_cookie_value};
pub use crate::log::{Invalidation, Position, Receipt, SessionId};
pub use crate::paging::{Cursor, PageNumber, Pages};
pub use crate::reply::{
    Cookie, IntoReply, Message, Reply, SameSite, bytes, error, html, json, redirect_back,
    redirect_permanent, redirect_to, redirect_with, status, template, text,
};
pub use crate::request::{Request, RequestParts};
pub use crate::session::{Ended, SessionData};
pub use crate::slug::{slug, slugs};
pub use crate::state::{
    At, Index, Key, NumberedPage, Plain, Ref, Row, Rows, Selection, State, Table, TableView,
    Updates, Value, Violation, WriteError,
};
pub use crate::t;
pub use crate::template;
pub use ::http::{self, StatusCode};
pub use ::serde::{Deserialize, Serialize};
pub use headwater_macros::{Form, Session, Variant, after, before, controller, invalidate};
