//! The variables that the site's fragments name, and that determine their text.
//!
//! - [`Places`]: all fragments of the site, with the [`Mentions`] of each.
//! - `walk`: reads a piece of a template, tag by tag, with its includes and blocks; `expression` reads one
//!   expression, by its `tokens`; both add to `found`.
//!
//! # Soundness
//!
//! Tera does not expose its parsed templates, so this module parses the text again. It may name too much, but never
//! too little:
//!
//! - A word in the position of an operand is a variable, unless it is a literal, or the name of an argument or a
//!   function. A path ends before anything that is not a field, so `stories[0].title` names all of `stories`.
//! - A name is left out only if it is certainly bound *within* the piece: by a loop or a comprehension around it, or
//!   by a `set` before it in the same scope. A `set` inside an `if`, a loop or another fragment does not count after
//!   its end, and a `set_global` never counts, because a loop variable hides it. The expression that is bound is in
//!   the piece too, so its variables are named. A loop binds the fields of `loop` in its own template; `loop` alone,
//!   and `loop.x` in an include, are ordinary names.
//! - An include is read in its place. A block is read together with all blocks of this name in the site, because any
//!   of them may be rendered here; so is `super()`.
//! - A component sees its arguments, which are in its call, and those that it takes from the context of the call
//!   (`@name`). The latter count as named by each call of it, and of a component that calls it.
//! - A function that the site adds with `App::function` sees its arguments and the page's variant. It takes the
//!   variant from the render and not from a template variable called `variant`; the variant is in the page's key, and
//!   so in each fragment's.
//! - The reads of the site's other functions, filters and tests cannot be analysed, and neither can templates that
//!   its code adds, nor the whole context: then the fragment may depend on anything. If the text itself is unknown,
//!   its key cannot list the values that it names, so a row's fragment is not kept.
//!
//! # Whole templates
//!
//! The names in each whole template are collected too: the visitor's session, and the values of the request. Here the
//! template that the render begins with is known. So a block is read in its place and not with all others of its
//! name: the text that replaces it is in a template that this one extends or includes, which is read as well.

mod expression;
mod found;
mod places;
mod tokens;
mod walk;

#[cfg(test)]
mod tests;

pub(in crate::templates) use expression::FILTERS_OF_LANGUAGE;
pub(super) use found::Path;
pub(super) use places::Place;
pub(in crate::templates) use places::{Places, SESSION, SiteCode, count};
pub(in crate::templates) use tokens::{Token, tokens};

use std::collections::BTreeSet;

use crate::request_values::RequestUses;

/// The names in the body of a fragment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// The variables, sorted.
    pub(super) paths: BTreeSet<Path>,
    /// Whether it may depend on anything else, too.
    pub(super) is_opaque: bool,
    /// Whether it contains unknown text, which may name any value; then it is opaque, too.
    pub(super) is_unknown: bool,
    /// Whether it contains blocks, which another template may replace.
    pub(super) has_blocks: bool,
    /// The request values that its functions and filters take; those that it names are in `paths`.
    pub(super) uses: RequestUses,
    /// The components that it calls, until their names are added.
    unread: BTreeSet<Box<str>>,
}

impl Mentions {
    /// Returns the request values that it visibly uses.
    pub(super) fn request_uses(&self) -> RequestUses {
        let names = self.paths.iter().filter_map(|path| path.first());
        names.fold(self.uses, |uses, name| uses.and(RequestUses::of_variable(name)))
    }

    /// Returns whether it names this variable.
    fn names(&self, name: &str) -> bool {
        self.paths.iter().any(|path| path.first().is_some_and(|first| &**first == name))
    }

    fn extend(&mut self, other: &Mentions) {
        self.paths.extend(other.paths.iter().cloned());
        self.add_all_but_paths(other);
    }

    fn add_all_but_paths(&mut self, other: &Mentions) {
        self.is_opaque |= other.is_opaque;
        self.is_unknown |= other.is_unknown;
        self.has_blocks |= other.has_blocks;
        self.uses.add(other.uses);
        self.unread.extend(other.unread.iter().cloned());
    }
}
