//! Who is measured: each contestant is one or more processes on loopback, on ports that were free,
//! and ends when it is dropped.
//!
//! - [`bare`]: a server with nothing but hyper, the yardstick.
//! - [`headwater`]: a back end and front ends.
//! - `process`: a process that says where it listens.

pub(crate) mod bare;
pub(crate) mod headwater;
mod process;

use std::net::SocketAddr;

/// The size of the page that everybody serves, in bytes.
pub(crate) const PAGE_BYTES: usize = 8 * 1024;

/// Where the page is.
pub(crate) const PAGE: &str = "/page";

/// Where a page of the same size is whose words differ.
pub(crate) const TEXT: &str = "/text";

/// Where a page of the same size is that is put together from itself and three parts.
pub(crate) const PAGE_WITH_PARTS: &str = "/page-with-parts";

/// A server of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The process that serves.
    pub(crate) pid: u32,
}
