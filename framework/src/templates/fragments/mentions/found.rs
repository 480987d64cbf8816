use std::collections::BTreeSet;

use crate::request_values::RequestUses;

/// A variable, and the fields of it that are read: `story.author.name`.
pub(in crate::templates::fragments) type Path = Box<[Box<str>]>;

/// What a loop binds besides its names: no name, for only the fields of `loop` are the loop's, and only where they
/// stand in the same template. `loop` itself is a name as any other, and so it is in what a loop includes.
pub(super) const LOOP: &str = "loop.";

/// What was found in a piece of a template so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The variables that come from outside of the piece.
    pub(super) paths: BTreeSet<Path>,
    /// Whether there is something that may depend on anything.
    pub(super) opaque: bool,
    /// The functions that are called, but for Tera's and Headwater's own.
    pub(super) functions: BTreeSet<Box<str>>,
    /// What functions and filters take from the request.
    pub(super) uses: RequestUses,
    /// Whether there is a `super()`.
    pub(super) supers: bool,
    /// The components that are called.
    pub(super) components: BTreeSet<Box<str>>,
    /// What the `set … endset` around this bind, the innermost last.
    pub(super) captured: Vec<String>,
    /// The names that are bound here, the innermost scope last.
    scopes: Vec<Vec<String>>,
}

impl Found {
    /// A variable is read.
    pub(super) fn path(&mut self, path: &[&str]) {
        let is_of_loop = matches!(path, ["loop", _, ..]) && self.is_bound(LOOP);
        if !is_of_loop && path.first().is_some_and(|name| !self.is_bound(name)) {
            self.paths.insert(path.iter().map(|name| Box::from(*name)).collect());
        }
    }

    pub(super) fn is_bound(&self, name: &str) -> bool {
        self.scopes.iter().flatten().any(|bound| bound == name)
    }

    /// A scope begins, in which these names are bound.
    pub(super) fn open_scope(&mut self, names: &[&str]) {
        self.scopes.push(names.iter().map(|name| (*name).to_owned()).collect());
    }

    /// A name is bound from here on, up to the end of the scope.
    pub(super) fn bind(&mut self, name: &str) {
        match self.scopes.last_mut() {
            Some(scope) => scope.push(name.to_owned()),
            None => self.open_scope(&[name]),
        }
    }

    pub(super) fn close_scope(&mut self) {
        self.scopes.pop();
    }
}
