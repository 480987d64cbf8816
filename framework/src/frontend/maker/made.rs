use http::StatusCode;
use http::header::HeaderMap;

use crate::body::Body;
use crate::cache::LogOrigin;
use crate::dispatch::CacheType;
use crate::inline::InlineHashes;
use crate::pieces::Pieces;

/// Content as it comes from where it is made.
#[derive(Debug)]
pub(in crate::frontend) struct Made {
    pub(in crate::frontend) status: StatusCode,
    pub(in crate::frontend) headers: HeaderMap,
    pub(in crate::frontend) content: MadeContent,
    /// The scripts and styles of templates that stand in it.
    pub(in crate::frontend) inline: InlineHashes,
    /// Groups that the reply named, beyond those of its route.
    pub(in crate::frontend) groups: Vec<String>,
    /// Groups of what was read for it; `None` if they are not known: then it is not kept.
    pub(in crate::frontend) recorded: Option<Vec<String>>,
    /// How the reply wants to be cached, when not as its route says.
    pub(in crate::frontend) cache: Option<CacheType>,
    /// From when it is; unknown while no log is followed.
    pub(in crate::frontend) origin: Option<LogOrigin>,
}

/// The body of what was made.
#[derive(Debug)]
pub(in crate::frontend) enum MadeContent {
    /// From a controller, as it comes.
    Body(Body),
    /// From a template, with the ids of the fragments in it.
    Rendered { content: Pieces, contains: Vec<String> },
}
