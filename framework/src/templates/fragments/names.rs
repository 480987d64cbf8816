use std::collections::HashSet;
use std::sync::Arc;

/// A set of names in insertion order.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<Arc<str>>,
    seen: HashSet<Arc<str>>,
}

impl Names {
    /// Adds a name, unless it exists.
    pub(super) fn add(&mut self, name: &str) {
        if !self.seen.contains(name) {
            let name = Arc::from(name);
            self.seen.insert(Arc::clone(&name));
            self.all.push(name);
        }
    }

    /// Adds a shared name, unless it exists.
    pub(super) fn add_shared(&mut self, name: &Arc<str>) {
        if self.seen.insert(Arc::clone(name)) {
            self.all.push(Arc::clone(name));
        }
    }

    /// Adds the names that do not exist yet.
    pub(super) fn extend<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        names.into_iter().for_each(|name| self.add(name));
    }

    pub(super) fn into_shared(self) -> Box<[Arc<str>]> {
        self.all.into()
    }

    pub(super) fn into_boxes(self) -> Box<[Box<str>]> {
        self.all.iter().map(|name| Box::from(&**name)).collect()
    }

    pub(super) fn into_strings(self) -> Vec<String> {
        self.all.iter().map(|name| name.to_string()).collect()
    }
}
