//! Fragments of a template, `{% cache id="latest-news" %} … {% endcache %}`, and the places of parts,
//! `{{ part(url="/parts/badge") }}`.
//!
//! - [`Fragments`]: the store of fragments. [`NoFragments`] is empty.
//! - `rewrite`: converts the tag, which Tera does not support, into tags that it supports; `arguments` are those of
//!   the tag.
//! - `functions`: the functions behind the rewritten tags; `render`: the state of the render on this thread; `names`:
//!   a set.
//! - `mentions`: the variables that the fragments of the site name; `dependence`: the groups and the key that follow
//!   from them.
//! - `marks`: finds the beginnings and ends of fragments in a text.
//!
//! # How a fragment is evaluated
//!
//! `{% cache %}` becomes an `if` around a filter section (see `rewrite`). The condition looks up the fragment. If it
//! is found, its text is written and the body is not evaluated. Otherwise the filter receives the whole output of the
//! body when the body ends. Therefore
//!
//! - *the body's own output is stored*, regardless of later processing: a `{% filter upper %}` around the fragment is
//!   applied to a hit as to a miss, and another page that has the same fragment without the filter gets the original
//!   text;
//! - *an opened fragment is closed, or the render fails*: no tag can leave a filter section. `break` and `continue`
//!   could not take effect on a hit, so they are refused when the templates are loaded. A render that fails or panics
//!   stores nothing: fragments are stored after the last byte was written;
//! - *no scope is opened*: neither `if` nor a filter section has one. An assignment inside a fragment is visible
//!   after it, as with any `if`, but on a hit it does not happen.
//!
//! # Containment
//!
//! When a fragment is outdated, so is everything that contains it: the page and every surrounding fragment belong to
//! its groups, and the patterns that match it match them. A fragment is contained in
//!
//! - those whose body is being evaluated when it is evaluated or found, whether its text is shown or not: a stack
//!   records them;
//! - those whose text includes its text, because a variable can carry text (`{% set x %}` around one fragment,
//!   `{{ x }}` within another). For this its text is enclosed in two marks, in whatever variable or output it ends
//!   up, until the output is cut at the marks.
//!
//! A value *derived* from the text (its length, say) carries no groups, as with any other value.
//!
//! # Why marks do no harm
//!
//! They cannot be forged (see `marks`), and they do not leak: text is cut before it is stored in a fragment or sent
//! to a visitor. If a filter has truncated or reversed the text of a fragment, its marks do not pair or pieces of
//! them remain; then the render fails, stores nothing, and the error recommends another template. Two things can pass
//! unnoticed: a piece so short that it could be anything (11 digits), if nothing else of the marks is left, and
//! operations that count or trim: a filter *around* a fragment sees 64 characters before and after its text. The
//! guide documents this.
//!
//! # Threads
//!
//! Tera's functions receive only their arguments, so they find their render through the thread. A render never waits,
//! so it never changes its thread. A render that is called by a function of another is pushed on top of it, and a
//! guard removes each of them on every exit.

mod arguments;
mod dependence;
mod functions;
mod marks;
mod mentions;
mod names;
mod render;
mod rewrite;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use arguments::{FragmentKey, FragmentType};
pub(super) use functions::{calls_flash, register, register_part};
pub(super) use mentions::{FILTERS_OF_LANGUAGE, Places, SiteCode, Token, count, tokens};
pub(super) use render::{Running, lang, request, variant};
pub(super) use rewrite::constant_groups;
pub use rewrite::rewrite;

use crate::pieces::Fragment;

/// A store of fragments.
pub trait Fragments {
    /// Returns the fragment with this key, if it may be used.
    fn find(&self, key: &FragmentKey, kind: FragmentType) -> Option<Arc<Fragment>>;

    /// Stores an evaluated fragment. Only a render that has succeeded stores its fragments.
    fn keep(&self, fill: FragmentFill);
}

/// An evaluated fragment.
#[derive(Debug, Clone)]
pub struct FragmentFill {
    /// Its key in the cache.
    pub key: FragmentKey,
    /// Its lifetime.
    pub kind: FragmentType,
    /// Its text, groups and contained fragments.
    pub fragment: Arc<Fragment>,
}

/// An empty store: each fragment is evaluated, and none is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFragments;

impl Fragments for NoFragments {
    fn find(&self, _key: &FragmentKey, _kind: FragmentType) -> Option<Arc<Fragment>> {
        None
    }

    fn keep(&self, _fill: FragmentFill) {}
}
