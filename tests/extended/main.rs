//! A site that uses more of `App` than controllers: resources, layers and services.

use std::convert::Infallible;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use headwater::app::{From, Inner};
use headwater::prelude::*;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
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

/// The outcome of the constructor.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Start {
    #[default]
    Works,
    Fails,
    Hangs,
    Panics,
}

/// A resource that greets and counts the greetings.
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

/// A layer that adds a header to each response, so that the headers show the order of the layers. It refuses `/refused`
/// and fails for `/failing`.
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

/// A service made of a function.
#[derive(Clone)]
struct Raw<F>(F);

impl<F, Running> Service<http::Request<Body>> for Raw<F>
where
    F: FnMut(http::Request<Body>) -> Running,
    Running: Future<Output = http::Response<Full<Bytes>>> + Send + 'static,
{
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = (self.0)(request);
        Box::pin(async { Ok(answer.await) })
    }
}

/// Returns the request and the id of the process that answers it.
async fn echo(request: http::Request<Body>) -> http::Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect(1 << 20).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let said = format!("{} {} {} {body}", std::process::id(), parts.method, parts.uri);
    http::Response::builder()
        .status(201)
        .header("x-echo", "yes")
        .body(said.into())
        .unwrap_or_default()
}

/// Keeps the extensions of each request for as long as the process runs.
async fn keep(request: http::Request<Body>) -> http::Response<Full<Bytes>> {
    static KEPT: Mutex<Vec<http::Extensions>> = Mutex::new(Vec::new());
    let (parts, _) = request.into_parts();
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(parts.extensions);
    http::Response::new(kept.len().to_string().into())
}

/// Echoes the bytes of an upgraded connection.
async fn socket(request: http::Request<Body>) -> http::Response<Full<Bytes>> {
    let is_upgrade = request.headers().get("upgrade").is_some_and(|to| to == "echo");
    if !is_upgrade {
        return http::Response::builder().status(426).body(Full::default()).unwrap_or_default();
    }
    tokio::spawn(async {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            let (mut from, mut to) = tokio::io::split(TokioIo::new(upgraded));
            let _ = tokio::io::copy(&mut from, &mut to).await;
        }
    });
    let response = http::Response::builder().status(101);
    let response = response.header("connection", "upgrade").header("upgrade", "echo");
    response.body(Full::default()).unwrap_or_default()
}

fn main() -> ExitCode {
    let mut app = App::new()
        .resource(greeter)
        .controllers(controllers![greet])
        .service("echo", Raw(echo))
        .service("keep", Raw(keep))
        .service("socket", Raw(socket));
    // Most tests need a site without layers.
    if std::env::var_os("LAYERS").is_some() {
        for name in ["inner", "outer"] {
            app = app.layer(layer_fn(move |inner| Mark { name, inner }));
        }
    }
    app.run()
}
