//! The contestants. Each consists of one or more processes on free ports of loopback, which end
//! when it is dropped.
//!
//! - [`headwater`]: a back end and front ends.
//! - [`bare`]: a server of hyper alone, the upper limit.
//! - [`nginx`]: as a cache, as a server of files, and in front of another server.
//! - [`varnish`]: with xkey.
//! - [`axum`]: axum + Tera + moka, alone and behind nginx.
//! - [`origin`]: the origin server of nginx and Varnish.
//! - [`field`]: the contestants of a scene.
//! - `process`: a process and its addresses.

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
    /// The address for HTTP/2 without TLS, if the contestant supports it.
    pub(crate) http2: Option<SocketAddr>,
    /// The serving processes; their descendants belong to them.
    pub(crate) processes: Vec<u32>,
    /// A folder in memory with the cached content, if that is not in the processes themselves.
    pub(crate) kept_in: Option<PathBuf>,
    /// Returns whether an answer was served from its cache, as far as the answer shows it.
    pub(crate) is_hit: fn(&Answer) -> bool,
}

/// A handle that keeps a contestant running.
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

/// Returns a folder in memory for files whose speed must not depend on a disk.
pub(crate) fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}
