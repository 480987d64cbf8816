//! Varnish with xkey. Its configuration is `bench/contestants/varnish.vcl`; the parameters below are those that its
//! manual recommends for many clients.

use std::ffi::OsString;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::origin::Origin;
use super::process::Process;
use super::{Contestant, Kind, Runs};
use crate::http1::Answer;
use crate::{Result, tools};

const VCL: &str = include_str!("../../contestants/varnish.vcl");

/// Masks log records that are not read, which is how Varnish disables its access log.
const UNLOGGED: &str = "-ReqStart,-ReqMethod,-ReqURL,-ReqProtocol,-ReqHeader,-ReqUnset,-ReqAcct,\
    -RespProtocol,-RespStatus,-RespReason,-RespHeader,-RespUnset,-VCL_call,-VCL_return,-VCL_use,\
    -Timestamp,-Begin,-End,-Link,-Hit,-HitMiss,-SessOpen,-SessClose,-Length,-Gzip,-TTL,-Storage";

/// A thread for each of 1,000 connections exists before they are opened, and HTTP/2 is enabled. Without its own gzip
/// support Varnish caches pages in both codings, and need not decompress them for clients that do not accept gzip.
/// Pages with parts need not look like XML.
const PARAMETERS: [&str; 9] = [
    "thread_pools=2",
    "thread_pool_min=600",
    "thread_pool_max=5000",
    "thread_pool_timeout=300",
    "timeout_idle=75",
    "feature=+http2",
    "feature=+esi_disable_xml_check",
    "http_gzip_support=off",
    "workspace_client=96k",
];

/// A running Varnish.
#[derive(Debug)]
pub(crate) struct Varnish {
    process: Process,
    address: SocketAddr,
    _origin: Origin,
    _folder: TempDir,
}

impl Varnish {
    pub(crate) fn start() -> Result<Varnish> {
        let program = tools::VARNISH.path().ok_or("Varnish is not installed")?;
        let origin = Origin::start()?;
        let folder =
            tempfile::Builder::new().prefix("headwater-varnish-").tempdir_in(super::memory())?;
        let vcl = folder.path().join("bench.vcl");
        let text = VCL
            .replace("{origin_host}", &origin.address.ip().to_string())
            .replace("{origin_port}", &origin.address.port().to_string());
        std::fs::write(&vcl, text)?;
        let (process, [address]) =
            Process::start_program(&program, folder.path(), |[address]: [SocketAddr; 1]| {
                let mut arguments: Vec<OsString> =
                    vec!["-F".into(), "-f".into(), vcl.clone().into()];
                let mut more = |argument: &str, value: OsString| {
                    arguments.extend([argument.into(), value]);
                };
                more("-a", address.to_string().into());
                more("-n", folder.path().join("work").into());
                more("-s", "malloc,8G".into());
                more("-T", "none".into());
                more("-j", "none".into());
                more("-p", format!("vsl_mask={UNLOGGED}").into());
                PARAMETERS.iter().for_each(|parameter| more("-p", parameter.into()));
                Ok(arguments)
            })?;
        Ok(Varnish { process, address, _origin: origin, _folder: folder })
    }
}

impl Runs for Varnish {
    fn contestant(&self) -> Contestant {
        Contestant {
            kind: Kind::Varnish,
            http1: self.address,
            http2: Some(self.address),
            processes: vec![self.process.pid()],
            kept_in: None,
            is_hit,
        }
    }
}

/// `X-Varnish` of an answer from the cache contains two ids: that of its own request, and that of the request that
/// fetched it.
fn is_hit(answer: &Answer) -> bool {
    answer.header("x-varnish").is_some_and(|ids| ids.split(' ').count() == 2)
}
