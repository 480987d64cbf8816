use std::sync::Arc;

use super::layers::Layered;
use super::running_node::{RunningNode, Watching};
use super::{App, SiteService};
use crate::backend::Backend;
use crate::config::Config;
use crate::frontend::FrontEnd;
use crate::log::RecordClock;
use crate::problem::{Problem, Problems};
use crate::request::SiteAccess;

/// A site in this process: a single node, or a back end with front ends that reach it over TCP.
pub(crate) struct InProcess {
    pub(crate) frontends: Vec<SiteService>,
    backend: Arc<Backend>,
    /// The node of the back end, if it differs from that of the front end.
    node: Option<RunningNode>,
}

impl App {
    /// Opens the site as a back end and front ends, each as configured, or as a single node if there are no front
    /// ends. Its records get their time from `clock`.
    pub(crate) async fn into_process(
        mut self,
        backend: Config,
        frontends: Vec<Config>,
        clock: RecordClock,
    ) -> Result<InProcess, Problems> {
        self.clock = clock;
        // The log is new, so no front end can have followed it.
        self.is_alone = true;
        if frontends.is_empty() {
            let service = self.open(&backend).await?;
            service.wait_until_ready().await?;
            let backend = service.node.report.backend.clone();
            let backend = backend.ok_or_else(|| Problem::new("a front end has no data"))?;
            return Ok(InProcess { frontends: vec![service], backend, node: None });
        }
        self.own_problems().or(())?;
        self.build_resources(&backend).await?;
        let layers = std::mem::take(&mut self.layers);
        let node = RunningNode::open(&mut self, &backend, Watching::Nothing).await?;
        let (Some(backend), Some(link)) = (node.report.backend.clone(), &node.link) else {
            return Err(Problem::new("a back end listens to front ends").into());
        };
        let mut services = Vec::new();
        for mut config in frontends {
            config.link.backends = vec![link.address.to_string()];
            let node = RunningNode::open(&mut self, &config, Watching::Nothing).await?;
            let frontend = node.report.frontend.clone();
            let frontend = frontend.ok_or_else(|| Problem::new("a back end is not a service"))?;
            let site = Layered::new(frontend, &layers);
            let service = SiteService { site, node: Arc::new(node) };
            service.wait_until_ready().await?;
            services.push(service);
        }
        Ok(InProcess { frontends: services, backend, node: Some(node) })
    }
}

impl InProcess {
    /// Returns the back end as a controller sees it.
    pub(crate) fn site(&self) -> Arc<SiteAccess> {
        self.backend.site()
    }

    /// Stops the front ends, then the back end.
    pub(crate) async fn stop(self) {
        for service in self.frontends {
            service.stop().await;
        }
        drop(self.backend);
        if let Some(node) = self.node {
            node.close().await;
        }
    }
}

impl SiteService {
    /// Returns the front end without the site's layers.
    pub(crate) fn frontend(&self) -> &Arc<FrontEnd> {
        self.site.frontend()
    }
}
