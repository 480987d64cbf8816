//! A site: its data, controllers and variants, and the command line that runs it.
//!
//! - [`App`]: the builder that a site's `main` uses; `command`: its commands.
//! - `controllers`: those of the site, and the built-in ones.
//! - `edition_loader`: loads and checks the site's files; `reload`: reloads them while the site is served;
//!   `texts_loader`: loads its texts, the only files that a back end loads; `watched_paths`: detects changes;
//!   `watch`: reloads after each change; `code`: detects changes of the code; `asset`: the addresses of the docroot's
//!   files in templates.
//! - `route_checks`: checks routes against templates, docroot and code.
//! - `code_texts`: the texts and templates that the site's code names, as far as `check` can see them.
//! - `named_groups`: groups named by hand that nothing invalidates, or no page belongs to.
//! - `session_type`: the site's data about a visitor who has signed in.
//! - `resource`: objects that a site's constructors build before a node is ready; `seed`: its first data.
//! - `running_node`: a front end, a back end, or both; `feeds`: the runtime of its half of the feed.
//! - `layers`: the site's tower layers around a front end; `live`: the layer that `dev` adds.
//! - `node`: a running node with its listeners, as run by `serve`; `descriptors`: the allocation of its file
//!   descriptors.
//! - `offline`: `data checkpoint` without a running node.
//! - [`SiteService`]: a node without listeners, as a tower service; `in_process`: a cluster of them, for tests.
//! - `report`: the status of a node, for its admin port.

mod asset;
mod code;
mod code_texts;
mod command;
mod controllers;
mod descriptors;
mod edition_loader;
mod feeds;
#[cfg(feature = "test")]
mod in_process;
mod layers;
mod live;
mod named_groups;
mod node;
mod offline;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod recorded_tests;
mod reload;
mod report;
mod resource;
mod route_checks;
mod running_node;
mod running_server;
mod seed;
mod service;
mod session_type;
mod texts_loader;
mod watch;
mod watched_paths;

pub use crate::frontend::{Audit, Difference, Finding};
pub use crate::templates::RenderedPage;
#[cfg(feature = "test")]
pub(crate) use in_process::InProcess;
pub use layers::{From, Inner};
pub use resource::Constructor;
pub use service::SiteService;

use std::panic::Location;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use tower_layer::Layer;
use tower_service::Service;

use layers::Wrap;
use resource::Planned;
use seed::Seed;
use session_type::SessionType;

use crate::body::{Body, BoxError};
use crate::cli;
use crate::controller::Registration;
use crate::extract::LoadedTexts;
use crate::frontend::{Variant, VariantFn, Visitor};
use crate::log::RecordClock;
use crate::problem::{Problem, Problems};
use crate::raw::RawService;
use crate::request::Resources;
use crate::state::{States, Updates};
use crate::templates::{Customise, SiteFunction};

/// A site.
///
/// ```no_run
/// use headwater::prelude::*;
///
/// #[controller("hello")]
/// async fn hello() -> Reply {
///     text("Hello!")
/// }
///
/// fn main() -> std::process::ExitCode {
///     App::new().controllers(controllers![hello]).run()
/// }
/// ```
#[must_use = "a site does nothing until it is `run`"]
pub struct App {
    states: States,
    seeds: Vec<Seed>,
    resources: Vec<Planned>,
    /// The resources that are built.
    built: Resources,
    /// The site's texts, shared with its controllers.
    texts: Arc<LoadedTexts>,
    controllers: Vec<Registration>,
    variant: Option<Arc<VariantFn>>,
    session: Option<SessionType>,
    customise: Vec<Customise>,
    functions: Vec<(String, SiteFunction)>,
    layers: Vec<Wrap>,
    services: Vec<(String, RawService)>,
    problems: Problems,
    /// Whether no front end that has followed an earlier log can still be running.
    is_alone: bool,
    /// The source of the records' time.
    clock: RecordClock,
}

impl Default for App {
    fn default() -> App {
        App::new()
    }
}

impl App {
    /// Makes an empty site.
    pub fn new() -> App {
        App {
            states: States::new(),
            seeds: Vec::new(),
            resources: Vec::new(),
            built: Resources::default(),
            texts: Arc::default(),
            controllers: Vec::new(),
            variant: None,
            session: None,
            customise: Vec::new(),
            functions: Vec::new(),
            layers: Vec::new(),
            services: Vec::new(),
            problems: Problems::new(),
            is_alone: false,
            clock: RecordClock::default(),
        }
    }

    /// Adds data of type `S`: in memory on the back end, changed by updates that are in the log.
    #[track_caller]
    pub fn state<S: Updates>(mut self) -> App {
        if let Err(error) = self.states.add::<S>() {
            self.problems.push(Problem::in_code(Location::caller(), error.to_string()));
        }
        self
    }

    /// Writes these updates when the log is empty, so that a new site has content. All updates of all seeds are
    /// written in one transaction: a node that is killed before its end has written none, and writes them at its next
    /// start. An update that `apply` refuses, or panics on, stops the start, and nothing is written.
    ///
    /// Files that the first data refer to must be in the docroot that is deployed with the site.
    #[track_caller]
    pub fn seed<S: Updates>(mut self, updates: fn() -> Vec<S::Update>) -> App {
        self.seeds.push(Seed::new::<S>(updates, Location::caller()));
        self
    }

    /// Builds an object that controllers share, before the node is ready: a connection pool, a client, a mailer.
    /// Controllers take it as [`Resource<T>`](crate::extract::Resource). An error or a panic of the constructor stops
    /// the start, and is reported.
    ///
    /// The constructor is an `async fn() -> Result<T, E>`. It may take the site's settings, which are the section
    /// `[site]` of project.toml and the `HEADWATER_SITE__…` variables, as a type of the site's own. It runs once, on
    /// the nodes that run controllers: a back end and a single node, not a front end. Several constructors run one
    /// after the other, in the order in which they were added.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Settings {
    ///     greeting: String,
    /// }
    ///
    /// struct Greeter(String);
    ///
    /// async fn greeter(settings: Settings) -> Result<Greeter, std::io::Error> {
    ///     Ok(Greeter(settings.greeting))
    /// }
    ///
    /// #[controller("greet")]
    /// async fn greet(greeter: Resource<Greeter>) -> Reply {
    ///     text(greeter.0.as_str())
    /// }
    ///
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let routes = "[[route]]\npath = \"/\"\ncontroller = \"greet\"\n";
    /// # std::fs::write(folder.path().join("dispatch.conf"), routes)?;
    /// std::fs::write(folder.path().join("project.toml"), "[site]\ngreeting = \"Hello!\"\n")?;
    /// let app = App::new().resource(greeter).controllers(controllers![greet]);
    /// # let site = app.into_service(folder.path()).await?;
    /// # let response = site.answer(http::Request::get("/").body(Body::empty())?).await;
    /// # assert_eq!(response.into_body().collect(100).await?, "Hello!");
    /// # site.stop().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn resource<M, C: Constructor<M>>(mut self, constructor: C) -> App {
        let planned = Planned::new(constructor, Location::caller());
        match self.resources.iter().find(|known| known.id == planned.id) {
            Some(known) => {
                let message = format!(
                    "two resources are of the type `{}`, the other at {}; give one of them a type of its own",
                    planned.type_name, known.location
                );
                self.problems.push(Problem::in_code(planned.location, message));
            }
            None => self.resources.push(planned),
        }
        self
    }

    /// Selects a variant of the page for each request, if the response depends on more than the URL. The function
    /// runs on the front end for each request that a controller, a template or an error page answers. It sees the
    /// whole request and must be fast, because it runs before the cache lookup. A function that takes more than a few
    /// milliseconds does not delay other visitors, but each of its calls then costs a thread switch.
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// #[derive(Variant)]
    /// enum Audience {
    ///     Guest,
    ///     Buyer,
    /// }
    /// let site = App::new().variant(|visitor| match visitor.cookie("basket") {
    ///     Some(_) => Audience::Buyer,
    ///     None => Audience::Guest,
    /// });
    /// # let _ = site;
    /// ```
    ///
    /// Each page is cached once per variant. [`Visitor::session`] distinguishes members from guests; languages need
    /// no variant.
    pub fn variant<V: Into<Variant>>(
        mut self,
        variant: impl Fn(&Visitor<'_>) -> V + Send + Sync + 'static,
    ) -> App {
        self.variant = Some(Arc::new(move |visitor| variant(visitor).into()));
        self
    }

    /// Adds a function to the site's templates. It sees its arguments and the name of the page's variant; a fragment
    /// that calls it depends on the arguments, like on all values that it names.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use headwater::tera::{Kwargs, TeraResult};
    ///
    /// /// `{{ minutes(words=story.words) }}`
    /// fn minutes(arguments: Kwargs, _: &RenderedPage<'_>) -> TeraResult<u64> {
    ///     Ok(arguments.must_get::<u64>("words")?.div_ceil(200))
    /// }
    ///
    /// let site = App::new().function("minutes", minutes);
    /// # let _ = site;
    /// ```
    pub fn function<T: Into<tera::Value>>(
        mut self,
        name: impl Into<String>,
        function: impl Fn(tera::Kwargs, &RenderedPage<'_>) -> tera::TeraResult<T>
        + Send
        + Sync
        + 'static,
    ) -> App {
        let function: SiteFunction =
            Arc::new(move |arguments, page| function(arguments, page).map(T::into));
        self.functions.push((name.into(), function));
        self
    }

    /// Adds the site's own filters and tests to its templates, and functions that see more of a page than
    /// [`function`](App::function) provides. A fragment that uses one depends on everything that its page depends on.
    pub fn templates(mut self, customise: impl Fn(&mut tera::Tera) + Send + Sync + 'static) -> App {
        self.customise.push(Arc::new(customise));
        self
    }

    /// Adds a tower layer around all requests of a front end, including cache hits and errors: for request logs,
    /// authentication by a gateway, limits of the site's own. Later layers are further out. Without layers, cache
    /// hits have no overhead; with a layer, each request passes through boxed futures.
    ///
    /// A layer sees the address of the connection as the extension [`From`]. A service may respond with any body
    /// type; its errors are logged and answered with 500.
    ///
    /// ```
    /// use std::task::{Context, Poll};
    ///
    /// use headwater::app::Inner;
    /// use headwater::prelude::*;
    /// use tower_layer::layer_fn;
    /// use tower_service::Service;
    ///
    /// /// Keeps what begins with `/internal/` from visitors.
    /// #[derive(Clone)]
    /// struct NotInternal(Inner);
    ///
    /// impl Service<http::Request<Body>> for NotInternal {
    ///     type Response = http::Response<Body>;
    ///     type Error = std::convert::Infallible;
    ///     type Future = <Inner as Service<http::Request<Body>>>::Future;
    ///
    ///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
    ///         Poll::Ready(Ok(()))
    ///     }
    ///
    ///     fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
    ///         if request.uri().path().starts_with("/internal/") {
    ///             *request.uri_mut() = Uri::from_static("/nothing");
    ///         }
    ///         self.0.call(request)
    ///     }
    /// }
    ///
    /// let site = App::new().layer(layer_fn(NotInternal));
    /// # let _ = site;
    /// ```
    pub fn layer<L, S, B>(mut self, layer: L) -> App
    where
        L: Layer<Inner, Service = S> + Send + Sync + 'static,
        S: Service<http::Request<Body>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.layers.push(layers::wrap(layer));
        self
    }

    /// Adds a tower service that handles raw requests: an axum `Router`, a WebSocket. A route refers to it by
    /// `service = "…"`; it runs on front ends, or, with `on = "backend"`, on a back end.
    ///
    /// Each request gets a clone of the service. Its errors are logged and answered with 500.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use tower_service::Service;
    ///
    /// # #[derive(Clone)]
    /// # struct Echo;
    /// # impl Service<http::Request<Body>> for Echo {
    /// #     type Response = http::Response<Body>;
    /// #     type Error = std::convert::Infallible;
    /// #     type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
    /// #     fn poll_ready(
    /// #         &mut self,
    /// #         _: &mut std::task::Context<'_>,
    /// #     ) -> std::task::Poll<Result<(), Self::Error>> {
    /// #         std::task::Poll::Ready(Ok(()))
    /// #     }
    /// #     fn call(&mut self, request: http::Request<Body>) -> Self::Future {
    /// #         std::future::ready(Ok(http::Response::new(request.into_body())))
    /// #     }
    /// # }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// let routes = "[[route]]\npath = \"/echo\"\nservice = \"echo\"\n";
    /// std::fs::write(folder.path().join("dispatch.conf"), routes)?;
    /// let site = App::new().service("echo", Echo).into_service(folder.path()).await?;
    /// let request = http::Request::post("/echo").body(Body::from("Hello!"))?;
    /// assert_eq!(site.answer(request).await.into_body().collect(100).await?, "Hello!");
    /// # site.stop().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn service<S, B>(mut self, name: impl Into<String>, service: S) -> App
    where
        S: Service<http::Request<Body>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let name = name.into();
        let service = RawService::new(name.clone(), service);
        // On back ends a service is a controller.
        self.controllers.push(service.clone().into_controller(&name));
        self.services.push((name, service));
        self
    }

    /// Runs the command of the command line: serves, checks, or calls running nodes. Returns the exit status for
    /// `main`.
    pub fn run(self) -> ExitCode {
        cli::main(self)
    }
}
