//! Fragments of a template, `{% cache id="latest-news" %} … {% endcache %}`, and the places of
//! parts, `{{ part(url="/parts/badge") }}`.
//!
//! - [`Fragments`]: where fragments are found and kept. [`NoFragments`] has none.
//! - `rewrite`: writes the tag, which Tera does not know, in tags that it knows; `arguments` are
//!   those of the tag.
//! - `functions`: what the rewritten tags call; `render`: what is going on in the render that runs
//!   on this thread; `names`: a set.
//! - `mentions`: the variables that the fragments of the site name; `dependence`: the groups and the key that
//!   a fragment has because of them.
//! - `marks`: finds where in a text fragments begin and end.
//!
//! # How a fragment is evaluated
//!
//! `{% cache %}` becomes an `if` around a filter section (see `rewrite`). The condition asks for the
//! fragment. If it is there, the body is not evaluated and its text is written. Otherwise the
//! filter gets all that the body has written, at the moment when the body ends. Therefore
//!
//! - *what is kept is what the body wrote*, whatever is done with it later: a `{% filter upper %}`
//!   around the fragment works on the text of a hit just as on that of a miss, and another page that
//!   has the same fragment without the filter gets it as it was written;
//! - *what was opened is closed, or the render fails*: no tag can leave a filter section. `break` and
//!   `continue` could not be obeyed on a hit, so they are refused when the templates are loaded. A
//!   render that fails, or panics, keeps nothing: fragments are kept after the last byte was written;
//! - *no scope is opened*: neither `if` nor a filter section has one. An assignment inside of a
//!   fragment is seen after it, as with any `if`, but on a hit it does not happen.
//!
//! # What bubbles
//!
//! Whatever holds a fragment is wrong when the fragment is: the page and every fragment around it
//! are in its groups, and are found by the patterns that find it. A fragment is *held* by those
//! whose body is being evaluated when it is evaluated or found, seen or not: a stack tells. It is
//! also held by those in whose text it is, because a variable can carry text (`{% set x %}` around
//! one fragment, `{{ x }}` within another): for this its text stands between two marks, in whatever
//! variable or output it goes, until the output is cut at the marks. What was only *derived* from
//! the text (its length, say) carries nothing, as with any other value.
//!
//! # Why marks do no harm
//!
//! They cannot be forged (see `marks`), and they do not get out: text that goes into a fragment or
//! to a visitor is cut first. Where a filter has cut or turned round the text of a fragment, its
//! marks do not pair any more or pieces of them are left; then the render fails, keeps nothing, and
//! says what to write instead. What can pass unnoticed is so short a piece that it could be anything
//! (11 digits), if nothing else of the marks is left, and what counts or trims: a filter *around* a
//! fragment sees 64 characters before and after its text. The guide says so.
//!
//! # Threads
//!
//! Tera's functions know only their arguments, so the render that they belong to is found through
//! the thread. A render waits for nothing, so it never changes its thread. One that is called by a
//! function of another lies on top of it, and each is taken away by a guard however it ends.

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

/// Where the fragments of a render are found and kept.
pub trait Fragments {
    /// The fragment of this key, if it may be used.
    fn find(&self, key: &FragmentKey, kind: FragmentType) -> Option<Arc<Fragment>>;

    /// Takes a fragment that was evaluated. Only a render that has succeeded gives its fragments.
    fn keep(&self, fill: FragmentFill);
}

/// A fragment that was evaluated.
#[derive(Debug, Clone)]
pub struct FragmentFill {
    /// What it is found by.
    pub key: FragmentKey,
    /// What ends its life.
    pub kind: FragmentType,
    /// Its text and what is in it.
    pub fragment: Arc<Fragment>,
}

/// No fragments: each is evaluated, and none is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFragments;

impl Fragments for NoFragments {
    fn find(&self, _key: &FragmentKey, _kind: FragmentType) -> Option<Arc<Fragment>> {
        None
    }

    fn keep(&self, _fill: FragmentFill) {}
}
