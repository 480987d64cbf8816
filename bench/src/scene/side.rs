//! A measured server, and its figures of one round.

use std::path::Path;
use std::time::Duration;

use super::setting::Setting;
use crate::contestant::Contestant;
use crate::cpu::{self, Used};
use crate::disturbance::Disturbance;
use crate::figures::micros;
use crate::http1::Connection;
use crate::load::{Clients, Load, Measured, Request};
use crate::{Result, h2load, wrk};

/// A measured server.
pub(crate) struct Side<'a> {
    pub(crate) name: String,
    pub(crate) contestant: Contestant,
    pub(crate) requests: Requests<'a>,
    /// An action before each round.
    pub(crate) before: Option<&'a dyn Fn() -> Result>,
    /// A disturbance during the measurement.
    pub(crate) meanwhile: Option<&'a Disturbance>,
}

/// The requests to a side.
#[derive(Debug)]
pub(crate) enum Requests<'a> {
    /// Always the same request.
    One {
        request: Request,
        /// Whether the answers must be served from a cache.
        cached: bool,
    },
    /// The paths in a file, repeatedly.
    Mix(&'a Path),
}

/// One side's figures of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) requests_per_second: f64,
    pub(super) cpu_user_us: f64,
    pub(super) cpu_system_us: f64,
    pub(super) latency_median_us: f64,
    pub(super) latency_p99_us: f64,
    pub(super) latency_p999_us: f64,
    pub(super) load_cpu_us: Option<f64>,
    pub(super) disturbed_per_second: Option<f64>,
}

impl<'a> Side<'a> {
    /// Returns a side that answers from its cache.
    pub(crate) fn cached(contestant: Contestant, request: Request) -> Side<'a> {
        Side {
            name: contestant.kind.name().to_owned(),
            contestant,
            requests: Requests::One { request, cached: true },
            before: None,
            meanwhile: None,
        }
    }

    /// Returns a side that makes each answer anew.
    pub(crate) fn uncached(contestant: Contestant, request: Request) -> Side<'a> {
        let requests = Requests::One { request, cached: false };
        Side { requests, ..Side::mix(contestant, Path::new("")) }
    }

    /// Returns a side with requests for many pages.
    pub(crate) fn mix(contestant: Contestant, paths: &'a Path) -> Side<'a> {
        Side {
            name: contestant.kind.name().to_owned(),
            contestant,
            requests: Requests::Mix(paths),
            before: None,
            meanwhile: None,
        }
    }

    pub(crate) fn named(self, name: impl Into<String>) -> Side<'a> {
        Side { name: name.into(), ..self }
    }

    /// Adds a disturbance during the measurement.
    pub(crate) fn during(self, disturbance: &'a Disturbance) -> Side<'a> {
        Side { meanwhile: Some(disturbance), ..self }
    }
}

impl Side<'_> {
    /// Checks the status and length of an answer, and whether it was served from the cache as
    /// expected.
    pub(super) fn check(&self) -> Result {
        let Requests::One { request, cached } = &self.requests else { return Ok(()) };
        let checked = || -> Result {
            let mut connection = Connection::open(self.contestant.http1)?;
            // The first request makes the page.
            connection.get_with(&request.path, &request.headers)?;
            let answer = connection.get_with(&request.path, &request.headers)?;
            let (status, bytes) = (answer.head.status, answer.head.content_length);
            if (status, bytes) != (request.status, request.body_bytes) {
                return Err(format!("an answer with status {status} and {bytes} bytes").into());
            }
            let is_hit = request.status == 304 || (self.contestant.is_hit)(&answer);
            match *cached && !is_hit {
                true => Err("an answer did not come from the cache".into()),
                false => Ok(()),
            }
        };
        checked().map_err(|error| format!("{}: {}: {error}", self.name, request.path).into())
    }

    pub(super) fn ask(&self, setting: &Setting, duration: Duration) -> Result<Round> {
        let asked = || -> Result<Round> {
            if let Some(before) = self.before {
                before()?;
            }
            let disturbing = self.meanwhile.map(Disturbance::start).transpose()?;
            let before = cpu::used(&self.contestant.processes)?;
            let measured = self.load(setting, duration)?;
            let used = cpu::used(&self.contestant.processes)?.since(before);
            let disturbed = disturbing.map(|disturbing| disturbing.stop()).transpose()?;
            Ok(Round::of(&measured, used, disturbed))
        };
        asked().map_err(|error| format!("{}: {error}", self.name).into())
    }

    fn load(&self, setting: &Setting, duration: Duration) -> Result<Measured> {
        let Side { contestant, requests, .. } = self;
        let Setting { connections, threads, .. } = *setting;
        let clients = Clients { connections, threads };
        match (requests, setting.load_generator) {
            (Requests::One { request, .. }, "h2load") => {
                h2load::run(contestant, request, clients, duration)
            }
            (Requests::One { request, .. }, "wrk") => {
                wrk::one(contestant, request, clients, duration)
            }
            (Requests::One { request, .. }, _) => {
                Load::open(contestant.http1, connections, request)?.run(duration)
            }
            (Requests::Mix(paths), _) => wrk::mix(contestant, paths, clients, duration),
        }
    }
}

impl Round {
    fn of(measured: &Measured, used: Used, disturbed_per_second: Option<f64>) -> Round {
        let requests = measured.requests as f64;
        Round {
            requests_per_second: requests / measured.elapsed.as_secs_f64(),
            cpu_user_us: micros(used.user) / requests,
            cpu_system_us: micros(used.system) / requests,
            latency_median_us: measured.times.median_us,
            latency_p99_us: measured.times.p99_us,
            latency_p999_us: measured.times.p999_us,
            load_cpu_us: measured.cpu.map(|cpu| micros(cpu) / requests),
            disturbed_per_second,
        }
    }

    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu_user_us + self.cpu_system_us
    }
}
