use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The values that a site's constructors have built (`App::resource`), one of each type.
#[derive(Clone, Default)]
pub struct Resources(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Resources {
    /// Adds a value, replacing another of its type.
    pub(crate) fn insert(&mut self, resource: Arc<dyn Any + Send + Sync>) {
        self.0.insert((*resource).type_id(), resource);
    }

    /// Returns the value of this type.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::downcast(Arc::clone(self.0.get(&TypeId::of::<T>())?)).ok()
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resources").field(&self.0.len()).finish()
    }
}
