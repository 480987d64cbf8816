use std::sync::Arc;

use crate::budget::{Budget, Share};

/// Limits on a request's use of its node's memory, besides its `body_limit`.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    /// The largest number of fields of a form or a query.
    pub(crate) fields: usize,
    /// The memory of its body, as long as the request is being answered.
    pub(crate) memory: Arc<Share>,
}

impl Allowance {
    /// Returns the limits of a request without a node: the defaults of `project.toml`.
    pub(super) fn usual() -> Allowance {
        let memory = Arc::new(Budget::new(256 << 20).share());
        Allowance { fields: 1000, memory }
    }
}
