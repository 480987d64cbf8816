use serde::{Deserialize, Serialize};

/// What a node is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Serves visitors, renders templates, caches; needs a back end.
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
    /// The mode as `project.toml` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Frontend => "frontend",
            Mode::Backend => "backend",
            Mode::SingleNode => "single-node",
            Mode::SingleNodeWithCache => "single-node-with-cache",
        }
    }
}

/// For whom the node runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Environment {
    /// Visitors: an error page shows a request id only, and changed files are read on request.
    #[default]
    Production,
    /// Its author: an error page shows the cause, and files are read again when they change.
    Development,
}
