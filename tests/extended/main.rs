//! A site that brings more than controllers: resources, and what else `App` takes.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use headwater::prelude::*;
use serde::Deserialize;

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

fn main() -> ExitCode {
    App::new().resource(greeter).controllers(controllers![greet]).run()
}
