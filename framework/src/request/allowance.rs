use std::sync::Arc;

use crate::budget::{Budget, Share};

/// What a request may take of its node's memory, beside its `body_limit`.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    /// The most fields of a form or a query.
    pub(crate) fields: usize,
    /// What its body takes, for as long as the request is being answered.
    pub(crate) memory: Arc<Share>,
}

impl Allowance {
    /// A request without a node: as much as `project.toml` allows where it says nothing else.
    pub(super) fn usual() -> Allowance {
        let memory = Arc::new(Budget::new(256 << 20).share());
        Allowance { fields: 1000, memory }
    }
}
