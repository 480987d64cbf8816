use serde::{Deserialize, Serialize};

/// The kind of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Serves visitors, renders templates and caches; needs a back end.
    Frontend,
    /// Runs the controllers and owns the data.
    Backend,
    /// Both in one process, without a cache of responses.
    SingleNode,
    /// Both in one process.
    #[default]
    SingleNodeWithCache,
}

impl Mode {
    /// Returns the mode as in `project.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Frontend => "frontend",
            Mode::Backend => "backend",
            Mode::SingleNode => "single-node",
            Mode::SingleNodeWithCache => "single-node-with-cache",
        }
    }
}

/// The audience of the node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Environment {
    /// Visitors: an error page shows a request id only, and changed files are loaded on request.
    #[default]
    Production,
    /// The site's author: an error page shows the cause, and changed files are reloaded automatically.
    Development,
}
