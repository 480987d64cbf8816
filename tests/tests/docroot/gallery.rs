use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Node, Relay, Response, Site, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

/// A cluster whose nodes share no folder that they write to or serve.
pub(crate) struct Gallery {
    cluster: Cluster,
    /// The variables of front ends that join later, besides their own.
    variables: Vec<(String, String)>,
}

impl Gallery {
    pub(crate) async fn start(frontends: usize) -> Gallery {
        Gallery::with(frontends, &[]).await
    }

    /// Starts all nodes with these values of the configuration.
    pub(crate) async fn with(frontends: usize, variables: &[(&str, &str)]) -> Gallery {
        let site = Site::test_site(PROGRAM);
        let variables: Vec<_> =
            variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut backend =
            site.node(Mode::Backend, "b1").set("DOCROOT__SYNC", site.path("sync/b1").display());
        for (key, value) in &variables {
            backend = backend.set(key, value);
        }
        let backend = backend.start().await;
        let cluster = Cluster { site, backend, frontends: Vec::new(), relays: Vec::new() };
        let mut gallery = Gallery { cluster, variables };
        for _ in 0..frontends {
            gallery.join().await;
        }
        gallery.ready().await;
        gallery
    }

    /// Starts another front end, which need not be ready yet.
    pub(crate) async fn join(&mut self) {
        let relay = Relay::start(self.backend.link()).await;
        self.join_over(relay).await;
    }

    /// Starts another front end whose link goes over `relay`.
    pub(crate) async fn join_over(&mut self, relay: Relay) {
        let name = format!("f{}", self.frontends.len() + 1);
        let own = self.site.path(format!("docroots/{name}"));
        std::fs::create_dir_all(own.join("files")).unwrap();
        std::fs::write(own.join("files/hello.txt"), format!("hello from {name}\n")).unwrap();
        let mut launch = self.site.node(Mode::Frontend, &name);
        launch = launch.set("LINK__BACKENDS", relay.address());
        launch = launch.set("DOCROOT__PATH", own.display());
        launch = launch.set("DOCROOT__SYNC", self.site.path(format!("sync/{name}")).display());
        for (key, value) in &self.variables {
            launch = launch.set(key, value);
        }
        let node = launch.start().await;
        self.cluster.frontends.push(node);
        self.cluster.relays.push(relay);
    }

    /// Returns the folder with the contents that a node has stored.
    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.site.path(format!("sync/{name}/{name}"))
    }

    /// Uploads a picture at the front end with this number.
    pub(crate) async fn hang(&self, frontend: usize, name: &str, version: u64, size: usize) {
        let response = self.try_hang(frontend, name, version, size).await;
        assert_eq!((response.status, response.text()), (200, "hung"));
    }

    pub(crate) async fn try_hang(
        &self,
        frontend: usize,
        name: &str,
        version: u64,
        size: usize,
    ) -> Response {
        let target = format!("/gallery/{name}/{version}");
        self.visitor(frontend).ask("POST", &target, &[], picture(version, size)).await
    }

    pub(crate) async fn remove(&self, frontend: usize, name: &str) {
        let response = self.visitor(frontend).form(&format!("/gallery/{name}/remove"), "").await;
        assert_eq!(response.text(), "removed");
    }
}

impl Deref for Gallery {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl DerefMut for Gallery {
    fn deref_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}

/// Returns a picture of about this size in bytes, which repeats its version.
pub(crate) fn picture(version: u64, size: usize) -> Vec<u8> {
    format!("{version:015}\n").repeat(size.div_ceil(16)).into_bytes()
}

/// Returns the version of a picture, which must consist of one version.
#[track_caller]
pub(crate) fn version(picture: &[u8]) -> u64 {
    let first = picture.get(..16).expect("a picture has a version");
    assert!(picture.chunks(16).all(|line| line == first), "a picture of two versions");
    std::str::from_utf8(first).unwrap().trim_end().parse().unwrap()
}

/// Returns the address of a picture.
pub(crate) fn url(name: &str) -> String {
    format!("/files/uploads/{name}")
}

/// Returns the version of the picture in a response.
#[track_caller]
pub(crate) fn served(response: &Response) -> u64 {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    version(&response.body)
}

/// Returns the number of bytes of contents that a front end has fetched since its start.
pub(crate) async fn fetched(node: &Node) -> u64 {
    node.status().await["docroot"]["fetched_bytes"].as_u64().unwrap()
}

/// Waits until a front end lacks no content.
pub(crate) async fn whole(node: &Node) {
    until("it has all contents", async || {
        (node.status().await["docroot"]["missing"] == 0).then_some(())
    })
    .await;
}

/// Repeats a request until the answer is not a 503.
pub(crate) async fn patiently(visitor: &Client, target: &str) -> Response {
    until("it is available", async || {
        visitor.get(target).await.ok().filter(|response| response.status != 503)
    })
    .await
}
