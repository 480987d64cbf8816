//! Builds a site's resources at the start of its node.

use std::any::{Any, TypeId, type_name};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio_util::task::AbortOnDropHandle;

use crate::body::BoxError;
use crate::config::SiteSettings;
use crate::log::panic_message;
use crate::problem::{Problem, Problems, with_causes};
use crate::request::Resources;

type Boxed = Arc<dyn Any + Send + Sync>;

/// A constructor of a resource: an `async fn() -> Result<T, E>`, or an `async fn(settings: S) -> Result<T, E>` whose
/// `S` is read from `[site]` of project.toml.
///
/// `M` distinguishes the two and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not build a resource",
    label = "not a constructor",
    note = "a constructor is `async fn() -> Result<T, E>`, or `async fn(settings: S) -> Result<T, E>` \
            where `S` is `Deserialize`; `E` is any error, or a text"
)]
pub trait Constructor<M>: Send + 'static {
    /// The type of the resource.
    type Resource: Send + Sync + 'static;

    /// Checks the settings.
    #[doc(hidden)]
    fn check(settings: &SiteSettings) -> Result<(), Problem>;

    /// Builds the resource.
    #[doc(hidden)]
    fn construct(
        self,
        settings: &SiteSettings,
    ) -> Result<impl Future<Output = Result<Self::Resource, BoxError>> + Send + 'static, Problem>;
}

impl<F, Running, T, E> Constructor<()> for F
where
    F: FnOnce() -> Running + Send + 'static,
    Running: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    type Resource = T;

    fn check(_: &SiteSettings) -> Result<(), Problem> {
        Ok(())
    }

    fn construct(
        self,
        _: &SiteSettings,
    ) -> Result<impl Future<Output = Result<T, BoxError>> + Send + 'static, Problem> {
        Ok(async move { self().await.map_err(Into::into) })
    }
}

impl<F, Running, S, T, E> Constructor<(S,)> for F
where
    F: FnOnce(S) -> Running + Send + 'static,
    Running: Future<Output = Result<T, E>> + Send + 'static,
    S: DeserializeOwned + Send + 'static,
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    type Resource = T;

    fn check(settings: &SiteSettings) -> Result<(), Problem> {
        settings.read::<S>().map(drop)
    }

    fn construct(
        self,
        settings: &SiteSettings,
    ) -> Result<impl Future<Output = Result<T, BoxError>> + Send + 'static, Problem> {
        let settings = settings.read::<S>()?;
        Ok(async move { self(settings).await.map_err(Into::into) })
    }
}

/// A resource that is not built yet.
pub(super) struct Planned {
    pub(super) id: TypeId,
    pub(super) type_name: &'static str,
    /// The place in the site's code that adds it.
    pub(super) location: &'static Location<'static>,
    check: fn(&SiteSettings) -> Result<(), Problem>,
    construct: Box<Construct>,
}

type Construct = dyn FnOnce(&SiteSettings) -> Result<BoxFuture<'static, Result<Boxed, BoxError>>, Problem>
    + Send;

impl Planned {
    pub(super) fn new<M, C: Constructor<M>>(
        constructor: C,
        location: &'static Location<'static>,
    ) -> Planned {
        Planned {
            id: TypeId::of::<C::Resource>(),
            type_name: type_name::<C::Resource>(),
            location,
            check: C::check,
            construct: Box::new(move |settings| {
                let building = constructor.construct(settings)?;
                Ok(Box::pin(async move { Ok(Arc::new(building.await?) as Boxed) }))
            }),
        }
    }

    /// Checks its settings.
    pub(super) fn check(&self, settings: &SiteSettings) -> Result<(), Problem> {
        (self.check)(settings)
    }

    /// Builds it in a task of its own, so that a panic becomes an error.
    async fn build(self, settings: &SiteSettings) -> Result<Boxed, Problem> {
        let building = AbortOnDropHandle::new(tokio::spawn((self.construct)(settings)?));
        let cause = match building.await {
            Ok(Ok(resource)) => return Ok(resource),
            Ok(Err(error)) => with_causes(&*error),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => format!("its constructor panicked: {}", panic_message(&*panic)),
                Err(_) => "the node stops".to_owned(),
            },
        };
        let message = format!("cannot build the resource `{}`: {cause}", self.type_name);
        Err(Problem::in_code(self.location, message))
    }
}

/// Builds resources one after the other, in their order.
pub(super) async fn build(
    planned: Vec<Planned>,
    settings: &SiteSettings,
) -> Result<Resources, Problems> {
    let mut resources = Resources::default();
    for resource in planned {
        tracing::debug!(resource = resource.type_name, "building a resource");
        resources.insert(resource.build(settings).await?);
    }
    Ok(resources)
}
