use std::future::Future;
use std::marker::PhantomData;

use futures_util::future::BoxFuture;

use crate::extract::Need;
use crate::reply::{IntoReply, Reply};
use crate::request::{Request, RequestParts};

/// A step before a controller: it may reply itself, or store values for the controller in the request's
/// [extensions](RequestParts::extensions).
///
/// An `async fn(request: &mut Request) -> Result<(), Reply>` is one (the error may be any type that implements
/// [`IntoReply`]). A type with settings implements the trait:
///
/// ```
/// use headwater::prelude::*;
///
/// struct OnlyIn(&'static str);
///
/// impl Before for OnlyIn {
///     const NEEDS: &'static [Need] = &[];
///
///     async fn before(&self, request: &mut Request) -> Result<(), Reply> {
///         if request.parts.uri.path().starts_with(self.0) { Ok(()) } else { Err(status(404)) }
///     }
/// }
///
/// #[controller("admin.overview")]
/// #[before(OnlyIn("/admin/"))]
/// async fn overview() -> &'static str {
///     "All is well."
/// }
/// ```
///
/// `M` distinguishes functions and types; leave it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step before a controller",
    label = "not a before-step",
    note = "a before-step is `async fn(request: &mut Request) -> Result<(), Reply>`, or a type with \
            `impl Before`"
)]
pub trait Before<M = ()>: Send + Sync + 'static {
    /// The needs of the step, which the routes and the site of its controllers must meet, as
    /// [`FromRequestParts::NEEDS`](crate::extract::FromRequestParts::NEEDS). A function has none: if it uses extractors
    /// whose needs are not met, it fails at the first request.
    const NEEDS: &'static [Need];

    /// Runs the step. An error is the reply; the controller and later steps are then skipped.
    fn before(&self, request: &mut Request) -> impl Future<Output = Result<(), Reply>> + Send;
}

/// A step after a controller: it sees every reply, also those of before-steps, of rejections and of panics, and may
/// change it.
///
/// An `async fn(reply: Reply) -> Reply` is one, or an `async fn(parts: &RequestParts, reply: Reply) -> Reply` that also
/// reads the request. A type with settings implements the trait.
///
/// `M` distinguishes functions and types; leave it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step after a controller",
    label = "not an after-step",
    note = "an after-step is `async fn(reply: Reply) -> Reply`, `async fn(parts: &RequestParts, \
            reply: Reply) -> Reply`, or a type with `impl After`"
)]
pub trait After<M = ()>: Send + Sync + 'static {
    /// Runs the step. `parts` is the request after the before-steps.
    fn after(&self, parts: &RequestParts, reply: Reply) -> impl Future<Output = Reply> + Send;
}

/// Marks functions that are steps.
#[derive(Debug, Clone, Copy)]
pub enum ViaFn {}

/// Marks functions that are after-steps and read the request.
#[derive(Debug, Clone, Copy)]
pub enum ViaFnWithParts {}

/// An `async fn(&mut Request) -> Result<(), impl IntoReply>`.
pub trait BeforeFn<'a>: Fn(&'a mut Request) -> Self::Future {
    /// The future that the function returns.
    type Future: Future<Output = Result<(), Self::Refusal>> + Send + 'a;
    /// The reply of the step, if it replies itself.
    type Refusal: IntoReply;
}

impl<'a, F, Running, Refusal> BeforeFn<'a> for F
where
    F: Fn(&'a mut Request) -> Running,
    Running: Future<Output = Result<(), Refusal>> + Send + 'a,
    Refusal: IntoReply,
{
    type Future = Running;
    type Refusal = Refusal;
}

#[diagnostic::do_not_recommend]
impl<F> Before<ViaFn> for F
where
    F: for<'a> BeforeFn<'a> + Send + Sync + 'static,
{
    const NEEDS: &'static [Need] = &[];

    async fn before(&self, request: &mut Request) -> Result<(), Reply> {
        self(request).await.map_err(IntoReply::into_reply)
    }
}

/// An `async fn(Reply) -> impl IntoReply`.
pub trait AfterFn: Fn(Reply) -> Self::Future {
    /// The future that the function returns.
    type Future: Future<Output: IntoReply> + Send;
}

impl<F, Running> AfterFn for F
where
    F: Fn(Reply) -> Running,
    Running: Future<Output: IntoReply> + Send,
{
    type Future = Running;
}

#[diagnostic::do_not_recommend]
impl<F> After<ViaFn> for F
where
    F: AfterFn + Send + Sync + 'static,
{
    async fn after(&self, _parts: &RequestParts, reply: Reply) -> Reply {
        self(reply).await.into_reply()
    }
}

/// An `async fn(&RequestParts, Reply) -> impl IntoReply`.
pub trait AfterFnWithParts<'a>: Fn(&'a RequestParts, Reply) -> Self::Future {
    /// The future that the function returns.
    type Future: Future<Output: IntoReply> + Send + 'a;
}

impl<'a, F, Running> AfterFnWithParts<'a> for F
where
    F: Fn(&'a RequestParts, Reply) -> Running,
    Running: Future<Output: IntoReply> + Send + 'a,
{
    type Future = Running;
}

#[diagnostic::do_not_recommend]
impl<F> After<ViaFnWithParts> for F
where
    F: for<'a> AfterFnWithParts<'a> + Send + Sync + 'static,
{
    async fn after(&self, parts: &RequestParts, reply: Reply) -> Reply {
        self(parts, reply).await.into_reply()
    }
}

/// A before-step of any type.
pub(super) trait AnyBefore: Send + Sync {
    fn run<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Result<(), Reply>>;
}

/// An after-step of any type.
pub(super) trait AnyAfter: Send + Sync {
    fn run<'a>(&'a self, parts: &'a RequestParts, reply: Reply) -> BoxFuture<'a, Reply>;
}

/// A step and the marker of its implementation.
pub(super) struct Step<S, M>(S, PhantomData<fn() -> M>);

impl<S, M> Step<S, M> {
    pub(super) fn new(step: S) -> Step<S, M> {
        Step(step, PhantomData)
    }
}

impl<S: Before<M>, M: 'static> AnyBefore for Step<S, M> {
    fn run<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Result<(), Reply>> {
        Box::pin(async move { self.0.before(request).await })
    }
}

impl<S: After<M>, M: 'static> AnyAfter for Step<S, M> {
    fn run<'a>(&'a self, parts: &'a RequestParts, reply: Reply) -> BoxFuture<'a, Reply> {
        Box::pin(async move { self.0.after(parts, reply).await })
    }
}
