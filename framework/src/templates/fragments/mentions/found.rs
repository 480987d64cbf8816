use std::collections::BTreeSet;

use crate::request_values::RequestUses;

/// A variable with the fields that are read of it: `story.author.name`.
pub(in crate::templates::fragments) type Path = Box<[Box<str>]>;

/// Stands for the fields of `loop` in a scope. A loop binds only these, and only in its own template. `loop` itself,
/// and `loop` in a template that the loop includes, are ordinary names.
pub(super) const LOOP: &str = "loop.";

/// The findings in a piece of a template so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The variables that come from outside of the piece.
    pub(super) paths: BTreeSet<Path>,
    /// Whether the piece contains something that may depend on anything.
    pub(super) opaque: bool,
    /// The functions that are called, except Tera's and Headwater's own.
    pub(super) functions: BTreeSet<Box<str>>,
    /// The request values that functions and filters take.
    pub(super) uses: RequestUses,
    /// Whether it contains a `super()`.
    pub(super) supers: bool,
    /// The components that are called.
    pub(super) components: BTreeSet<Box<str>>,
    /// The names that the surrounding `set … endset` bind, the innermost last.
    pub(super) captured: Vec<String>,
    /// The names that are bound here, the innermost scope last.
    scopes: Vec<Vec<String>>,
}

impl Found {
    /// Records that a variable is read.
    pub(super) fn path(&mut self, path: &[&str]) {
        let is_of_loop = matches!(path, ["loop", _, ..]) && self.is_bound(LOOP);
        if !is_of_loop && path.first().is_some_and(|name| !self.is_bound(name)) {
            self.paths.insert(path.iter().map(|name| Box::from(*name)).collect());
        }
    }

    pub(super) fn is_bound(&self, name: &str) -> bool {
        self.scopes.iter().flatten().any(|bound| bound == name)
    }

    /// Begins a scope in which these names are bound.
    pub(super) fn open_scope(&mut self, names: &[&str]) {
        self.scopes.push(names.iter().map(|name| (*name).to_owned()).collect());
    }

    /// Binds a name from here to the end of the scope.
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
