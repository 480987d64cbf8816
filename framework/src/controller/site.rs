use std::fmt;
use std::sync::Arc;

use super::in_memory::InMemory;
use crate::state::{Journal, States};

/// What a controller can reach of the site's back end.
#[derive(Clone)]
pub struct Site {
    /// The site's data.
    pub states: Arc<States>,
    /// Where updates and invalidations are written.
    pub journal: Arc<dyn Journal>,
}

impl Site {
    /// A site of its own in this process: updates are applied at once and kept nowhere, there is
    /// no front end that would have to forget anything. For the tests of controllers.
    pub fn in_memory(states: States) -> Site {
        let states = Arc::new(states);
        Site { journal: Arc::new(InMemory::new(states.clone())), states }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Site")
    }
}
