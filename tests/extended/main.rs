//! A site that brings more than controllers: resources, and what else `App` takes.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use headwater::app::{From, Inner};
use headwater::prelude::*;
use http_body_util::Full;
use serde::Deserialize;
use tower_layer::layer_fn;
use tower_service::Service;

/// `[site]` of project.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    greeting: String,
    #[serde(default)]
    start: Start,
}

/// How the start goes.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Start {
    #[default]
    Works,
    Fails,
    Hangs,
    Panics,
}

/// Greets, and counts how often.
struct Greeter {
    greeting: String,
    times: AtomicU32,
}

async fn greeter(settings: Settings) -> Result<Greeter, io::Error> {
    match settings.start {
        Start::Works => {}
        Start::Fails => {
            let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "the greeter is out");
            return Err(io::Error::other(refused));
        }
        Start::Hangs => {
            eprintln!("the constructor hangs");
            std::future::pending().await
        }
        Start::Panics => panic!("no greeter at all"),
    }
    Ok(Greeter { greeting: settings.greeting, times: AtomicU32::new(0) })
}

#[controller("greet")]
async fn greet(greeter: Resource<Greeter>) -> String {
    let times = greeter.times.fetch_add(1, Ordering::Relaxed) + 1;
    format!("{} ({times})", greeter.greeting)
}

/// Adds a header to each response, in the order in which the layers are passed; refuses `/refused`, and
/// fails for `/failing`.
#[derive(Clone)]
struct Mark {
    name: &'static str,
    inner: Inner,
}

impl Service<http::Request<Body>> for Mark {
    type Response = http::Response<Full<Bytes>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let name = self.name;
        if request.uri().path() == "/failing" {
            return Box::pin(async { Err(io::Error::other("the layer fails")) });
        }
        let refused = request.uri().path() == "/refused";
        let from = request.extensions().get::<From>().map(|From(from)| from.to_string());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = match refused {
                true => http::Response::new(Full::from("refused by the layer")),
                false => {
                    let (parts, body) =
                        answer.await.unwrap_or_else(|never| match never {}).into_parts();
                    let body = body.collect(1 << 20).await.map_err(io::Error::other)?;
                    http::Response::from_parts(parts, Full::from(body))
                }
            };
            let value = format!("{name} {}", from.unwrap_or_default());
            let value = http::HeaderValue::try_from(value).map_err(io::Error::other)?;
            response.headers_mut().append("x-layer", value);
            Ok(response)
        })
    }
}

fn main() -> ExitCode {
    let mut app = App::new().resource(greeter).controllers(controllers![greet]);
    // Most tests are of a site without.
    if std::env::var_os("LAYERS").is_some() {
        for name in ["inner", "outer"] {
            app = app.layer(layer_fn(move |inner| Mark { name, inner }));
        }
    }
    app.run()
}
