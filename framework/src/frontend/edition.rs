use std::sync::Arc;

use crate::dispatch::Table;
use crate::templates::Engine;

/// What a site's files say, as one thing: a request is answered by one edition from its beginning
/// to its end, whatever is loaded meanwhile.
#[derive(Debug)]
pub struct Edition {
    /// The dispatch table.
    pub table: Arc<Table>,
    /// The templates.
    pub templates: Engine,
}
