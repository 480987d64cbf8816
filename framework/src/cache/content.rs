use std::sync::Arc;

use super::page::Page;
use crate::pieces::Fragment;

/// The content of an entry.
#[derive(Debug)]
pub enum EntryContent {
    /// An answer to a visitor.
    Page(Page),
    /// A part of a template's output.
    Fragment(Arc<Fragment>),
}

impl EntryContent {
    /// Returns roughly how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            EntryContent::Page(page) => page.size(),
            EntryContent::Fragment(fragment) => {
                let names = fragment.groups.iter().chain(&fragment.contains);
                fragment.content.len() + names.map(|name| name.len() + 32).sum::<usize>()
            }
        }
    }
}
