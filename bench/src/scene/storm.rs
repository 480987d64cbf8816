//! GET of a cached page while other groups are invalidated 1,000 times a second, compared with the same page without
//! invalidations. The invalidations share the cores with everything else, so headwater is also measured with the same
//! number of requests at the same port that invalidate nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use super::pages::{self, USUAL};
use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::contestant::varnish::Varnish;
use crate::contestant::{Contestant, Kind, Runs, field, memory};
use crate::disturbance::Disturbance;
use crate::http1;
use crate::load::Request;
use crate::tools;

/// The number of invalidations per second.
const PER_SECOND: u32 = 1000;

/// The number of groups that are invalidated in turn.
const GROUPS: usize = 10_000;

/// Measures headwater, then Varnish.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Turns>> {
    field::pin_servers(arguments)?;
    let mut tables = vec![ours(arguments)?];
    if arguments.takes_part(Kind::Varnish) {
        match tools::VARNISH.missing() {
            Some(missing) => tables[0].left_out.push(format!("Varnish is left out: {missing}")),
            None => tables.push(varnish(arguments)?),
        }
    }
    Ok(tables)
}

fn ours(arguments: &Arguments) -> Result<Turns> {
    let cluster = Cluster::start(1, &memory())?;
    let contestant = cluster.contestant();
    let invalidations = disturbance(cluster.backend.admin, |number| {
        let body = format!(r#"{{"groups": ["unrelated-{number}"]}}"#);
        http1::post("/invalidate", "application/json", &body)
    });
    let questions = disturbance(cluster.backend.admin, |_| http1::get("/health", ""));
    let sides = [
        side(&contestant, "storm").during(&invalidations),
        side(&contestant, "quiet"),
        side(&contestant, "other requests").during(&questions),
    ];
    take(arguments, "headwater", &sides)
}

fn varnish(arguments: &Arguments) -> Result<Turns> {
    let varnish = Varnish::start()?;
    let contestant = varnish.contestant();
    let purges = disturbance(contestant.http1, |number| {
        format!("PURGE / HTTP/1.1\r\nhost: bench\r\nxkey: unrelated-{number}\r\n\r\n")
    });
    let sides = [side(&contestant, "storm").during(&purges), side(&contestant, "quiet")];
    take(arguments, "Varnish, purges by xkey", &sides)
}

fn disturbance(address: SocketAddr, request: impl Fn(usize) -> String) -> Disturbance {
    let requests: Arc<[String]> = (0..GROUPS).map(request).collect();
    Disturbance { address, requests, per_second: PER_SECOND }
}

fn side<'a>(contestant: &Contestant, name: &str) -> Side<'a> {
    let request = Request::of_page(pages::path(USUAL), USUAL);
    Side::cached(contestant.clone(), request).named(name)
}

fn take(arguments: &Arguments, contestant: &str, sides: &[Side<'_>]) -> Result<Turns> {
    let title =
        format!("{contestant}: a cached page of {USUAL} bytes during {PER_SECOND} invalidations/s");
    let setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    turns::take(title, setting, sides, Vec::new())
}
