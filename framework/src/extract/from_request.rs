use std::convert::Infallible;
use std::future::Future;

use super::Need;
use crate::reply::IntoReply;
use crate::request::{Request, RequestParts};

/// A type that any argument of a controller may have, because it does not read the body.
///
/// ```
/// use headwater::controller::Error;
/// use headwater::extract::{Cookies, FromRequestParts, Need};
/// use headwater::reply::redirect_to;
/// use headwater::request::RequestParts;
///
/// struct Visitor(String);
///
/// impl FromRequestParts for Visitor {
///     type Rejection = Error;
///     const NEEDS: &'static [Need] = Cookies::NEEDS;
///
///     async fn from_request_parts(parts: &mut RequestParts) -> Result<Visitor, Error> {
///         let cookies = Cookies::from_request_parts(parts).await?;
///         match cookies.get("visitor") {
///             Some(name) => Ok(Visitor(name.to_owned())),
///             None => Err(redirect_to("/login").into()),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a request without its body",
    label = "not an argument of a controller in this place",
    note = "only one argument can read the body (`Form`, `Json`, `Multipart`, `Bytes`, `String`, \
            `Body`, `Request`); a type of your own that does must come last",
    note = "in `Path<T>` and `Query<T>`, `T` is `Deserialize` and `Serialize`",
    note = "other types need `impl FromRequestParts`"
)]
pub trait FromRequestParts: Sized {
    /// The response to the visitor when extraction fails.
    type Rejection: IntoReply;

    /// The requirements for extracting the value. `check` and the start reject routes and sites that do not meet them.
    ///
    /// An extractor that uses others has their needs, as in the example above. Use `&[]` only if nothing is required,
    /// or if the type handles absence itself: a requirement that is not declared here fails only at the first request.
    const NEEDS: &'static [Need];

    /// Extracts the value.
    fn from_request_parts(
        parts: &mut RequestParts,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

/// A type that one argument of a controller may have, because it may read the body.
///
/// `M` distinguishes the ways in which a type can implement this; leave it out when you implement the trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a request",
    label = "not an argument of a controller",
    note = "arguments are extractors such as `Path<T>`, `Query<T>`, `Form<T>`, `Json<T>`, `Data<S>`; \
            other types need `impl FromRequestParts` or `impl FromRequest`",
    note = "`T` needs `#[derive(Deserialize)]`, in `Path<T>` and `Query<T>` `#[derive(Deserialize, \
            Serialize)]`, in `Submitted<T>` `#[derive(Form)]`"
)]
pub trait FromRequest<M = ViaRequest>: Sized {
    /// The response to the visitor when extraction fails.
    type Rejection: IntoReply;

    /// The requirements for extracting the value, as [`FromRequestParts::NEEDS`]. The name differs because a type that
    /// does not read the body implements both traits.
    const REQUEST_NEEDS: &'static [Need];

    /// Extracts the value.
    fn from_request(request: Request)
    -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

/// A type that makes sense as `Option<T>` in any argument.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be optional in the arguments of a controller",
    note = "`Option` works with `Path`, `Query`, `Session`, `Extension` and `Json`; to look at a \
            failure yourself, take a `Result<T, T::Rejection>`"
)]
pub trait OptionalFromRequestParts: Sized {
    /// The response to the visitor when the value is present but invalid.
    type Rejection: IntoReply;

    /// The requirements for checking whether the value is present, as [`FromRequestParts::NEEDS`].
    const NEEDS: &'static [Need];

    /// Extracts the value, if it is present.
    fn optional_from_request_parts(
        parts: &mut RequestParts,
    ) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send;
}

/// A type that makes sense as `Option<T>` in the argument that reads the body.
pub trait OptionalFromRequest: Sized {
    /// The response to the visitor when the value is present but invalid.
    type Rejection: IntoReply;

    /// Extracts the value, if it is present.
    fn optional_from_request(
        request: Request,
    ) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send;
}

/// Marks types that implement [`FromRequest`] themselves.
#[derive(Debug, Clone, Copy)]
pub enum ViaRequest {}

/// Marks types that implement [`FromRequest`] because they implement [`FromRequestParts`].
#[derive(Debug, Clone, Copy)]
pub enum ViaParts {}

/// Marks a `Result<T, T::Rejection>` of a type that reads the body.
#[derive(Debug, Clone, Copy)]
pub enum ViaResult {}

/// Marks an `Option<T>` of a type that reads the body.
#[derive(Debug, Clone, Copy)]
pub enum ViaOption {}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts> FromRequest<ViaParts> for T {
    type Rejection = T::Rejection;
    const REQUEST_NEEDS: &'static [Need] = T::NEEDS;

    async fn from_request(mut request: Request) -> Result<T, T::Rejection> {
        T::from_request_parts(&mut request.parts).await
    }
}

impl<T: FromRequestParts> FromRequestParts for Result<T, T::Rejection> {
    type Rejection = Infallible;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Self, Infallible> {
        Ok(T::from_request_parts(parts).await)
    }
}

impl<T: FromRequest> FromRequest<ViaResult> for Result<T, T::Rejection> {
    type Rejection = Infallible;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<Self, Infallible> {
        Ok(T::from_request(request).await)
    }
}

impl<T: OptionalFromRequestParts> FromRequestParts for Option<T> {
    type Rejection = T::Rejection;
    const NEEDS: &'static [Need] = T::NEEDS;

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Self, T::Rejection> {
        T::optional_from_request_parts(parts).await
    }
}

impl<T: OptionalFromRequest> FromRequest<ViaOption> for Option<T> {
    type Rejection = T::Rejection;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<Self, T::Rejection> {
        T::optional_from_request(request).await
    }
}

impl FromRequest for Request {
    type Rejection = Infallible;
    const REQUEST_NEEDS: &'static [Need] = &[Need::Cluster];

    async fn from_request(request: Request) -> Result<Request, Infallible> {
        Ok(request)
    }
}
