use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::invalidates::MissingCapture;
use super::step::{AnyAfter, AnyBefore, Step};
use super::{After, Before, Invalidates, Invalidations, Next};
use crate::extract::Need;
use crate::reply::{IntoReply, Reply};
use crate::request::Request;

/// The function that runs a controller.
pub type ControllerFn = Arc<dyn Fn(Request) -> BoxFuture<'static, Reply> + Send + Sync>;

/// The type that `#[controller]` generates for a function, with the function's name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a controller",
    note = "put `#[controller(\"…\")]` above the function"
)]
pub trait Controller {
    /// Returns the registration of the controller.
    fn registration() -> Registration;
}

/// A controller, as the site registers it.
///
/// ```
/// use headwater::prelude::*;
///
/// let ping = Registration::new("ping", async |_: Request| "pong");
/// assert_eq!(ping.name(), "ping");
/// ```
#[derive(Clone)]
#[must_use = "a controller answers nothing unless it is registered"]
pub struct Registration {
    name: Cow<'static, str>,
    pub(super) handler: ControllerFn,
    pub(super) before: Vec<Arc<dyn AnyBefore>>,
    pub(super) after: Vec<Arc<dyn AnyAfter>>,
    invalidates: Vec<Invalidates>,
    needs: Vec<Need>,
    templates: Vec<(&'static str, &'static Location<'static>)>,
    location: &'static Location<'static>,
    /// Whether `needs` covers everything that the function can reach.
    is_declared: bool,
}

impl Registration {
    /// Creates a controller with its name in `dispatch.conf`.
    #[track_caller]
    pub fn new<F, Running>(name: impl Into<Cow<'static, str>>, handler: F) -> Registration
    where
        F: Fn(Request) -> Running + Send + Sync + 'static,
        Running: Future<Output: IntoReply> + Send + 'static,
    {
        let handler = Arc::new(handler);
        Registration {
            name: name.into(),
            handler: Arc::new(move |request| {
                let handler = handler.clone();
                Box::pin(async move { handler(request).await.into_reply() })
            }),
            before: Vec::new(),
            after: Vec::new(),
            invalidates: Vec::new(),
            needs: Vec::new(),
            templates: Vec::new(),
            location: Location::caller(),
            is_declared: false,
        }
    }

    /// Returns the name of the controller in `dispatch.conf`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the location of the controller in the site's code.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Adds a step that runs before the existing before-steps.
    pub fn before<M: 'static, B: Before<M>>(mut self, step: B) -> Registration {
        self.before.insert(0, Arc::new(Step::new(step)));
        self.needs(B::NEEDS)
    }

    /// Adds a step that runs after the existing after-steps.
    pub fn after<M: 'static>(mut self, step: impl After<M>) -> Registration {
        self.after.push(Arc::new(Step::new(step)));
        self
    }

    /// Puts a function around the controller and its existing wrappers. Before- and after-steps remain outside.
    ///
    /// ```
    /// use headwater::controller::Next;
    /// use headwater::prelude::*;
    ///
    /// async fn timed(request: Request, next: Next) -> Reply {
    ///     let start = std::time::Instant::now();
    ///     let reply = next.run(request).await;
    ///     reply.header("server-timing", format!("app;dur={}", start.elapsed().as_millis()))
    /// }
    ///
    /// let ping = Registration::new("ping", async |_: Request| "pong").wrap(timed);
    /// # assert_eq!(ping.name(), "ping");
    /// ```
    pub fn wrap<F, Running>(mut self, wrapper: F) -> Registration
    where
        F: Fn(Request, Next) -> Running + Send + Sync + 'static,
        Running: Future<Output: IntoReply> + Send + 'static,
    {
        let (inner, wrapper) = (self.handler, Arc::new(wrapper));
        self.is_declared = false;
        self.handler = Arc::new(move |request| {
            let (next, wrapper) = (Next::new(inner.clone()), wrapper.clone());
            Box::pin(async move { wrapper(request, next).await.into_reply() })
        });
        self
    }

    /// Adds content that the controller invalidates.
    pub fn invalidates(mut self, invalidates: Invalidates) -> Registration {
        self.invalidates.push(invalidates);
        self
    }

    /// Declares that the needs cover everything that the function can reach, which the attribute `#[controller]`
    /// ensures.
    #[doc(hidden)]
    pub fn declared(mut self) -> Registration {
        self.is_declared = true;
        self
    }

    /// Adds needs of the controller, which its routes and the site must meet. The attribute `#[controller]` adds those
    /// of its argument types.
    pub fn needs(mut self, needs: &'static [Need]) -> Registration {
        self.needs.extend(needs);
        self
    }

    /// Adds a template with which the controller replies. The attribute `#[controller]` adds those in the function's
    /// `template!("…")`.
    #[track_caller]
    pub fn template(mut self, name: &'static str) -> Registration {
        self.templates.push((name, Location::caller()));
        self
    }

    /// Returns the content that it declares to invalidate.
    pub(crate) fn all_invalidates(&self) -> &[Invalidates] {
        &self.invalidates
    }

    /// Returns whether it may also invalidate content that is not declared.
    pub(crate) fn may_invalidate(&self) -> bool {
        let has_steps = !self.before.is_empty() || !self.after.is_empty();
        let needs_cluster = self.needs.iter().any(|need| matches!(need, Need::Cluster));
        !self.is_declared || has_steps || needs_cluster
    }

    /// Returns the declared needs of the controller.
    pub(crate) fn all_needs(&self) -> &[Need] {
        &self.needs
    }

    /// Returns the declared templates of the controller, with the locations in the code.
    pub(crate) fn templates(&self) -> &[(&'static str, &'static Location<'static>)] {
        &self.templates
    }

    /// Returns the invalidations of the controller if its route captured `params`.
    ///
    /// # Errors
    /// Fails if an `#[invalidate]` names a capture that is not among `params`.
    #[doc(hidden)]
    pub fn invalidation(
        &self,
        params: &[(String, String)],
    ) -> Result<Invalidations, MissingCapture> {
        Invalidations::of(&self.name, &self.invalidates, params)
    }

    /// Returns the names of the captures that every route to the controller must have.
    #[doc(hidden)]
    pub fn captures(&self) -> impl Iterator<Item = &'static str> {
        self.invalidates.iter().flat_map(Invalidates::captures)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("before", &self.before.len())
            .field("after", &self.after.len())
            .field("invalidates", &self.invalidates)
            .finish_non_exhaustive()
    }
}
