//! A running node: its modules, and the listeners for visitors and operators.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::App;
use super::descriptors::{Descriptors, Shares};
use super::layers::Layered;
use super::live;
use super::running_node::{RunningNode, Watching};
use super::running_server::{Operators, RunningServer, problem};
use crate::admin::{Guard, Metrics};
use crate::cli::{Action, Announcement, Dev, Entrance, Signals};
use crate::config::{self, Config, Environment, Secret};
use crate::problem::Problems;
use crate::server::Limits;

/// The time that visitors of `dev` wait for a node to become ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the node until it is stopped, and drains it.
pub(super) async fn serve(mut app: App, config: Config, dev: Option<Dev>) -> Result<(), Problems> {
    let mut signals = Signals::listen().map_err(|error| problem("listen to signals", &error))?;
    let metrics = Metrics::install();
    let watching = match config.environment {
        Environment::Development => {
            Watching::Files { compiler: dev.as_ref().map(|dev| dev.problems.clone()) }
        }
        Environment::Production => Watching::Nothing,
    };
    let shares = Descriptors::raise().apply(config.mode, config.limits.connections);
    tokio::select! {
        built = app.build_resources(&config) => built?,
        () = stop(&mut signals) => return Ok(()),
    }
    let mut layers = std::mem::take(&mut app.layers);
    let node = RunningNode::open(&mut app, &config, watching).await?;
    let stopping = CancellationToken::new();
    let http = match &node.report.frontend {
        Some(frontend) => {
            let limits = limits(&config.limits, &shares);
            Some(match dev {
                Some(Dev { listener, problems }) => {
                    // Visitors have waited for the program already, so they should not get a 503 now.
                    let _ = tokio::time::timeout(PATIENCE, frontend.when_ready()).await;
                    layers.push(live::layer(Arc::clone(frontend), problems, stopping.clone()));
                    let visitors = Layered::new(Arc::clone(frontend), &layers);
                    RunningServer::on(listener, limits, visitors)?
                }
                None => {
                    let visitors = Layered::new(Arc::clone(frontend), &layers);
                    RunningServer::http("http", config.http.listen, limits, visitors).await?
                }
            })
        }
        None => None,
    };
    let secret = config.admin.secret.as_ref().map(Secret::expose);
    let guard = Guard::new(config.admin.listen, &config.admin.hosts, secret);
    let operators = Operators { node: node.report.clone(), metrics, guard };
    let limits = Limits { connections: shares.admin, refusals: 4, ..Limits::default() };
    let admin = RunningServer::http("admin", config.admin.listen, limits, operators).await?;
    if let Some(entrance) = entrance(http.as_ref(), node.link.as_ref()) {
        Announcement::new(config.name.clone(), entrance, admin.address).print();
    }

    while signals.next().await == Action::Reload {
        node.reload();
    }
    tracing::info!("stopping");
    node.report.stopping.store(true, Ordering::Relaxed);
    stopping.cancel();
    // Visitors first, because their last requests still need the modules.
    if let Some(http) = http {
        http.stop().await;
    }
    node.close().await;
    admin.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for the signal to stop.
async fn stop(signals: &mut Signals) {
    while signals.next().await == Action::Reload {}
}

fn entrance(http: Option<&RunningServer>, link: Option<&RunningServer>) -> Option<Entrance> {
    let address = |served: &RunningServer| -> SocketAddr { served.address };
    match (http.map(address), link.map(address)) {
        (Some(http), None) => Some(Entrance::Frontend(http)),
        (Some(http), Some(_)) => Some(Entrance::SingleNode(http)),
        (None, link) => link.map(Entrance::Backend),
    }
}

fn limits(limits: &config::Limits, shares: &Shares) -> Limits {
    Limits {
        header_bytes: usize::try_from(limits.header_bytes).unwrap_or(usize::MAX),
        headers: limits.headers,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        write_timeout: limits.write_timeout,
        connections: shares.connections,
        refusals: shares.refusals,
        streams: shares.streams,
        drain: limits.drain,
    }
}
