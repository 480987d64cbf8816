//! The settings of the load on contestants.

use serde::Serialize;

use crate::arguments::Arguments;
use crate::{h2load, tools};

/// The protocol of the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Protocol {
    #[serde(rename = "HTTP/1.1")]
    Http1,
    #[serde(rename = "HTTP/2")]
    Http2,
}

/// The settings of a measurement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Setting {
    pub(crate) protocol: Protocol,
    pub(crate) connections: u16,
    /// The number of concurrent requests on each connection.
    pub(crate) requests_at_once: u16,
    pub(crate) rounds: u32,
    pub(crate) seconds: u64,
    pub(crate) load_generator: &'static str,
    /// The number of the load generator's threads.
    pub(crate) threads: u16,
    /// Whether the servers and the load generator were pinned to a core each.
    pub(crate) pinned: bool,
}

impl Setting {
    pub(crate) fn new(arguments: &Arguments, protocol: Protocol, connections: u16) -> Setting {
        let load_generator = match protocol {
            Protocol::Http2 => "h2load",
            Protocol::Http1 if arguments.built_in || tools::WRK.path().is_none() => "built in",
            Protocol::Http1 => "wrk",
        };
        Setting {
            protocol,
            connections,
            requests_at_once: match protocol {
                Protocol::Http1 => 1,
                Protocol::Http2 => h2load::STREAMS,
            },
            rounds: arguments.rounds(),
            seconds: arguments.duration().as_secs(),
            threads: threads(load_generator, connections, arguments.pin),
            load_generator,
            pinned: arguments.pin,
        }
    }
}

/// Returns the number of cores that are shared with the servers, so that no server waits for the
/// load generator; the built-in one has one thread.
fn threads(load_generator: &str, connections: u16, pinned: bool) -> u16 {
    if pinned || load_generator == "built in" {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(u16::MAX).min(connections)
}
