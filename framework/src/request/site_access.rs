use std::fmt;
use std::sync::Arc;

use super::RequestScope;
use super::in_memory::InMemory;
use super::resources::Resources;
use crate::docroot::Keeper;
use crate::state::{Journal, Recorder, States};

/// The parts of the site's back end that a controller can access on behalf of one request. Every read of the data
/// counts as a read for the request's answer, wherever it is in the code.
#[derive(Clone)]
pub struct SiteAccess {
    /// The site's data.
    pub(crate) states: Arc<States>,
    /// The values that the site's constructors have built.
    pub(crate) resources: Arc<Resources>,
    /// The address of the sign-in page, if the site has sessions.
    pub(crate) sign_in: Option<Arc<str>>,
    /// The destination of updates and invalidations.
    pub(crate) journal: Arc<dyn Journal>,
    /// The back end's docroot.
    pub(crate) docroot: Arc<dyn Keeper>,
    /// The recorder of reads of the site's data, if the answer may be cached.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// The part of the request that the controller may see, and whether it may change data.
    pub(crate) scope: RequestScope,
}

impl SiteAccess {
    /// Creates a site in this process, for the tests of controllers: updates are applied immediately and not stored,
    /// and no front end must be invalidated or fetch anything.
    pub fn in_memory(states: States) -> SiteAccess {
        let states = Arc::new(states);
        let journal = Arc::new(InMemory::new(states.clone()));
        let resources = Arc::default();
        let docroot = journal.clone();
        let (recorder, scope) = (None, RequestScope::Full);
        SiteAccess { states, resources, sign_in: None, journal, docroot, recorder, scope }
    }

    /// Adds a resource, for the tests of controllers.
    pub fn with_resource<T: Send + Sync + 'static>(mut self, resource: T) -> SiteAccess {
        Arc::make_mut(&mut self.resources).insert(Arc::new(resource));
        self
    }
}

impl fmt::Debug for SiteAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteAccess")
    }
}
