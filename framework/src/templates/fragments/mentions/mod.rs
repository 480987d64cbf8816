//! What the fragments of the site name: the variables that their text is made of.
//!
//! - [`Places`]: all fragments of the site, and what each of them [`Mentions`].
//! - `walk`: reads a piece of a template, tag by tag, with what it includes and the blocks in it;
//!   `expression` reads one expression, by its `tokens`; `found` is what both add to.
//!
//! # What is found, and what may be missed
//!
//! Tera keeps what it has parsed to itself, so this reads the text once more. It is sound if it names too
//! much, and it never names too little:
//!
//! - A word where an operand may stand is a variable, unless it is a literal, the name of an argument or of
//!   a function. A path ends where something else than a field follows, so `stories[0].title` names all of
//!   `stories`.
//! - A name is left out only where it is certainly bound *within* the piece: by a loop or a comprehension
//!   that is around it, or by a `set` before it in the same scope. A `set` within an `if`, a loop or another
//!   fragment is not counted on after that, and a `set_global` never, because a loop variable hides it.
//!   What binds a name is in the piece too, so what the name stands for is named. A loop binds the fields of `loop`
//!   in its own template; `loop` alone, and `loop.x` in an include, are names as any other.
//! - An include is read in its place. A block is read with all blocks of this name in the site, because any
//!   of them may be written here; so is `super()`.
//! - A component sees its arguments, which stand in its call, and those that it takes from where it is called
//!   (`@name`), which count as named by each call of it, and of a component that calls it.
//! - A function that the site adds with `App::function` sees its arguments and the page's variant, which it takes
//!   from the render and not from what a template calls `variant`; the page's key, and so each fragment's, has it. What
//!   another function, a filter or a test of the site's own reads cannot be seen, and neither can templates
//!   that its code adds, nor the whole context: then the fragment may depend on anything. Where the text itself is not
//!   known, its key cannot say which values it names, so that a fragment of a row is not kept.
//!
//! # Whole templates
//!
//! What a page names is read for each template, too: the visitor's session, and the values of the request. There the
//! template that the render begins with is known, so a block is read where it stands and not with all others of its name:
//! whatever is written in its place stands in a template that it extends or includes, which is read as well.

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

/// What the body of a fragment names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// The variables, in their order.
    pub(super) paths: BTreeSet<Path>,
    /// Whether it may depend on anything else, too.
    pub(super) is_opaque: bool,
    /// Whether there is text in it that is not known, so that it may name any value; then it is opaque, too.
    pub(super) is_unknown: bool,
    /// Whether another template decides what is in it, by its blocks.
    pub(super) has_blocks: bool,
    /// What functions and filters in it take from the request; what it names of that is among `paths`.
    pub(super) uses: RequestUses,
    /// The components that it calls, while it is not known what these name.
    unread: BTreeSet<Box<str>>,
}

impl Mentions {
    /// Which values of the request it uses, as far as that is seen.
    pub(super) fn request_uses(&self) -> RequestUses {
        let names = self.paths.iter().filter_map(|path| path.first());
        names.fold(self.uses, |uses, name| uses.and(RequestUses::of_variable(name)))
    }

    /// Whether a variable of this name is among them.
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
