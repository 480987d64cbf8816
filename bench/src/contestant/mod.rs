//! The contestants: each is one or more processes on loopback, on ports that were free, and ends
//! when it is dropped.
//!
//! - [`headwater`]: a back end and front ends.
//! - [`bare`]: a server with nothing but hyper, the yardstick.
//! - [`nginx`]: as a cache, as a server of files, and in front of another server.
//! - [`varnish`]: with xkey.
//! - [`axum`]: axum + Tera + moka, alone and behind nginx.
//! - [`origin`]: what nginx and Varnish fetch from.
//! - [`field`]: which of them take part.
//! - `process`: a process and where it listens.

pub(crate) mod axum;
pub(crate) mod bare;
pub(crate) mod field;
pub(crate) mod headwater;
pub(crate) mod nginx;
pub(crate) mod origin;
pub(crate) mod process;
pub(crate) mod varnish;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::http1::Answer;

/// A kind of contestant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A front end with a back end
    Headwater,
    /// The same answer for every request, by hyper alone
    Bare,
    /// nginx with the page as a file
    NginxFile,
    /// nginx with `proxy_cache`
    NginxCache,
    /// Varnish with xkey
    Varnish,
    /// axum + Tera + moka
    Axum,
    /// The same behind nginx
    NginxAxum,
}

/// A running server of the pages.
#[derive(Debug, Clone)]
pub(crate) struct Contestant {
    pub(crate) kind: Kind,
    pub(crate) http1: SocketAddr,
    /// Where it takes HTTP/2 without TLS, if it does.
    pub(crate) http2: Option<SocketAddr>,
    /// The processes that serve; those that they have started belong to them.
    pub(crate) processes: Vec<u32>,
    /// A folder in memory that holds what it has cached, if it is not in the processes themselves.
    pub(crate) kept_in: Option<PathBuf>,
    /// Whether an answer came from its cache, as far as it says so.
    pub(crate) is_hit: fn(&Answer) -> bool,
}

/// What keeps a contestant running.
pub(crate) trait Runs: fmt::Debug {
    fn contestant(&self) -> Contestant;
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Headwater => "headwater",
            Kind::Bare => "bare hyper",
            Kind::NginxFile => "nginx file",
            Kind::NginxCache => "nginx cache",
            Kind::Varnish => "Varnish",
            Kind::Axum => "axum",
            Kind::NginxAxum => "nginx + axum",
        }
    }
}

/// A folder in memory for what is not to depend on a disk.
pub(crate) fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}
