//! nginx: as a cache, as a server of files, and in front of another server. Its configuration is in
//! `bench/contestants/`, with the reasons for the choices.

use std::net::SocketAddr;

use rustix::process::{Resource, getrlimit};
use tempfile::TempDir;

use super::axum::Axum;
use super::origin::Origin;
use super::process::Process;
use super::{Contestant, Kind, Runs};
use crate::http1::Answer;
use crate::scene::pages::SIZES;
use crate::{Result, content, tools};

const COMMON: &str = include_str!("../../contestants/nginx.conf");
const FILE: &str = include_str!("../../contestants/nginx-file.conf");
const CACHE: &str = include_str!("../../contestants/nginx-cache.conf");
const PROXY: &str = include_str!("../../contestants/nginx-proxy.conf");

/// The maximum number of open files of a worker: all pages of any scene, and the connections.
const MOST_FILES: u64 = 220_000;

/// The number of them for connections: both ends of twice as many as in any scene.
const CONNECTIONS: u64 = 2 * 2000;

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    kind: Kind,
    process: Process,
    addresses: [SocketAddr; 2],
    folder: TempDir,
    upstream: Upstream,
}

/// The server that it forwards to.
#[derive(Debug)]
enum Upstream {
    Nothing,
    Origin(Origin),
    Site(Axum),
}

impl Nginx {
    /// Starts a server of the pages as files in memory.
    pub(crate) fn of_files() -> Result<Nginx> {
        let folder = folder()?;
        let pages = folder.path().join("files/page");
        std::fs::create_dir_all(&pages)?;
        for bytes in SIZES {
            let text = content::text(bytes, 0);
            std::fs::write(pages.join(format!("{bytes}.gz")), content::gzip(text.as_bytes())?)?;
            std::fs::write(pages.join(bytes.to_string()), text)?;
        }
        Nginx::start(Kind::NginxFile, FILE, folder, Upstream::Nothing)
    }

    /// Starts a cache in memory.
    pub(crate) fn with_cache() -> Result<Nginx> {
        Nginx::start(Kind::NginxCache, CACHE, folder()?, Upstream::Origin(Origin::start()?))
    }

    /// Starts a proxy without a cache in front of a site that has one.
    pub(crate) fn before(site: Axum) -> Result<Nginx> {
        Nginx::start(Kind::NginxAxum, PROXY, folder()?, Upstream::Site(site))
    }

    fn start(kind: Kind, servers: &str, folder: TempDir, upstream: Upstream) -> Result<Nginx> {
        let program = tools::NGINX.path().ok_or("nginx is not installed")?;
        let file = folder.path().join("nginx.conf");
        // An unprivileged program cannot raise its hard limit.
        let files =
            getrlimit(Resource::Nofile).maximum.map_or(MOST_FILES, |most| most.min(MOST_FILES));
        let (process, addresses) =
            Process::start_program(&program, folder.path(), |[http1, http2]| {
                let more = servers
                    .replace("{http1}", &http1.to_string())
                    .replace("{http2}", &http2.to_string())
                    .replace("{origin}", &upstream.address());
                let configuration = COMMON
                    .replace("{more}", &more)
                    .replace("{folder}", &folder.path().display().to_string())
                    .replace("{files}", &files.to_string())
                    .replace("{kept_open}", &files.saturating_sub(CONNECTIONS).max(1).to_string());
                std::fs::write(&file, configuration)?;
                let errors = folder.path().join("error.log");
                Ok(["-e".into(), errors.into(), "-c".into(), file.clone().into()].into())
            })?;
        Ok(Nginx { kind, process, addresses, folder, upstream })
    }
}

impl Runs for Nginx {
    fn contestant(&self) -> Contestant {
        let [http1, http2] = self.addresses;
        let mut processes = vec![self.process.pid()];
        if let Upstream::Site(axum) = &self.upstream {
            processes.push(axum.pid());
        }
        let kept_in = match self.upstream {
            Upstream::Origin(_) => Some(self.folder.path().join("cache")),
            Upstream::Nothing | Upstream::Site(_) => None,
        };
        let is_hit = match self.upstream {
            Upstream::Origin(_) => |answer: &Answer| answer.header("x-cache") == Some("HIT"),
            Upstream::Nothing | Upstream::Site(_) => |_: &Answer| true,
        };
        Contestant { kind: self.kind, http1, http2: Some(http2), processes, kept_in, is_hit }
    }
}

impl Upstream {
    fn address(&self) -> String {
        match self {
            Upstream::Nothing => String::new(),
            Upstream::Origin(origin) => origin.address.to_string(),
            Upstream::Site(axum) => axum.address().to_string(),
        }
    }
}

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("headwater-nginx-").tempdir_in(super::memory())?)
}
