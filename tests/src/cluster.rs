use headwater::internals::config::Mode;

use crate::{Node, Relay, Site, until};

/// A back end and its front ends, each linked through a relay of its own.
#[derive(Debug)]
pub struct Cluster {
    /// The site they serve.
    pub site: Site,
    /// The back end `b1`.
    pub backend: Node,
    /// The front ends `f1`, `f2`, …
    pub frontends: Vec<Node>,
    /// The relay between the back end and each front end, in the order of the front ends.
    pub relays: Vec<Relay>,
}

impl Cluster {
    /// Starts the nodes and waits until all are ready.
    ///
    /// # Panics
    /// When they do not become ready within [`PATIENCE`](crate::PATIENCE).
    pub async fn start(site: Site, frontends: usize) -> Cluster {
        let backend = site.node(Mode::Backend, "b1").start().await;
        let mut cluster = Cluster { site, backend, frontends: Vec::new(), relays: Vec::new() };
        for number in 1..=frontends {
            let relay = Relay::start(cluster.backend.link()).await;
            let launch = cluster.site.node(Mode::Frontend, &format!("f{number}"));
            let node = launch.set("LINK__BACKENDS", relay.address()).start().await;
            cluster.frontends.push(node);
            cluster.relays.push(relay);
        }
        cluster.ready().await;
        cluster
    }

    /// Waits until all nodes are ready.
    ///
    /// # Panics
    /// When they do not become ready within [`PATIENCE`](crate::PATIENCE).
    pub async fn ready(&self) {
        self.backend.ready().await;
        for frontend in &self.frontends {
            frontend.ready().await;
        }
    }

    /// Waits until all nodes are ready, or on probation.
    ///
    /// # Panics
    /// When they do not become ready within [`PATIENCE`](crate::PATIENCE).
    pub async fn settled(&self) {
        self.backend.ready().await;
        for frontend in &self.frontends {
            let what = format!("{} is ready or on probation", frontend.name());
            until(&what, async || frontend.is_settled().await.then_some(())).await;
        }
    }

    /// Kills the back end if it runs, starts it on the same data, and points the relays to it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart_backend(&mut self) {
        self.backend.restart().await;
        for relay in &self.relays {
            relay.set_target(self.backend.link());
        }
    }
}
