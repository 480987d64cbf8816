use std::fmt;
use std::sync::Arc;

use super::RequestScope;
use super::in_memory::InMemory;
use super::resources::Resources;
use crate::docroot::Keeper;
use crate::state::{Journal, Recorder, States};

/// What a controller can reach of the site's back end, on behalf of one request: what is read of the data is read for
/// its answer, however the code comes to them.
#[derive(Clone)]
pub struct SiteAccess {
    /// The site's data.
    pub(crate) states: Arc<States>,
    /// What the site's constructors have built.
    pub(crate) resources: Arc<Resources>,
    /// Where visitors sign in, if the site has sessions.
    pub(crate) sign_in: Option<Arc<str>>,
    /// Where updates and invalidations are written.
    pub(crate) journal: Arc<dyn Journal>,
    /// The back end's docroot.
    pub(crate) docroot: Arc<dyn Keeper>,
    /// Where reads of the site's data are recorded, because the answer may be cached.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// How much of the request its controller may see, and whether it may change data.
    pub(crate) scope: RequestScope,
}

impl SiteAccess {
    /// A site of its own in this process: updates are applied at once and kept nowhere, there is
    /// no front end that would have to forget or fetch anything. For the tests of controllers.
    pub fn in_memory(states: States) -> SiteAccess {
        let states = Arc::new(states);
        let journal = Arc::new(InMemory::new(states.clone()));
        let resources = Arc::default();
        let docroot = journal.clone();
        let (recorder, scope) = (None, RequestScope::Full);
        SiteAccess { states, resources, sign_in: None, journal, docroot, recorder, scope }
    }

    /// The site with this resource, for the tests of controllers.
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
