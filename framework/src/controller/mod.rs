//! The room `controller`.

use std::sync::Arc;

use crate::state::Journal;

/// What a controller can reach of the site's back end.
pub struct Site {
    /// Where updates are written.
    pub journal: Arc<dyn Journal>,
}
