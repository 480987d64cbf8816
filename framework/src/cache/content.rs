use super::page::Page;
use crate::pieces::Pieces;

/// What an entry holds.
#[derive(Debug)]
pub enum Content {
    /// An answer to a visitor.
    Page(Page),
    /// A part of a template's output.
    Fragment(Fragment),
}

/// A part of a template's output, between `{% cache %}` and `{% endcache %}`.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// What was written, the fragments within included.
    pub content: Pieces,
    /// All groups that it is in, those of the fragments within included: whatever it is put into
    /// is in them too.
    pub groups: Box<[Box<str>]>,
    /// The ids of the fragments within: a pattern that finds one of them finds this too.
    pub contains: Box<[Box<str>]>,
}

impl Content {
    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Content::Page(page) => page.size(),
            Content::Fragment(fragment) => {
                let names = fragment.groups.iter().chain(&fragment.contains);
                fragment.content.len() + names.map(|name| name.len() + 32).sum::<usize>()
            }
        }
    }
}
