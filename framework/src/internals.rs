//! Private items for the workspace's own benches, tests and fuzz targets. They are not part of the public API: nothing
//! here is stable, and the feature `internals` is off by default.

#![allow(missing_docs)]

pub mod cache {
    pub use crate::cache::{
        Cache, CacheLimits, EntryContent, Fill, Filled, Freshness, HeaderSpec, HeaderTemplate, Key,
        LogOrigin, Lookup, Miss, Page, invalidated,
    };
}

pub mod cli {
    pub use crate::cli::{Announcement, Entrance};
}

pub mod clock {
    pub use crate::clock::now;
}

pub mod config {
    pub use crate::config::Mode;
}

pub mod dispatch {
    pub use crate::dispatch::{CanonicalPath, QueryKey, Resolution, Table};
}

pub mod http {
    pub use crate::http::conditions::{Current, Precondition, evaluate};
    pub use crate::http::host::{HostError, settle};
    pub use crate::http::negotiation::{Coding, acceptable};
    pub use crate::http::proxies::{ProxyHeaders, TrustedProxies, network};
    pub use crate::http::ranges::{Segment, Selection, select};
}

pub mod link {
    pub use crate::link::fuzzed;
    pub use crate::link::{Answer, AnswerContent, Call, CallRate, VERSION};
}

pub mod log {
    pub use crate::log::{Epoch, LogEpoch, LogId};
}

pub mod packed {
    pub use crate::packed::{Packed, read};
}

pub mod pieces {
    pub use crate::pieces::{Fragment, Pieces};
}

pub mod request {
    use std::sync::Arc;

    use crate::request::RequestParts;
    pub use crate::request::RequestScope;

    /// Returns a function that ends the recording of a request's reads and returns the names of their groups.
    pub fn recorded_groups(parts: &RequestParts) -> impl Fn() -> Vec<String> + use<> {
        let recorder = parts.site.recorder.as_ref().map(Arc::clone);
        move || recorder.as_ref().map(|recorder| recorder.close().groups).unwrap_or_default()
    }
}

pub mod server {
    pub use crate::server::{Handler, Limits, Peer, Server, Work};
}

pub mod templates {
    pub use crate::templates::{
        Engine, EngineOptions, FragmentFill, FragmentKey, FragmentType, Fragments, NoFragments,
        TextPosition, Values, rewrite, tags,
    };
}
