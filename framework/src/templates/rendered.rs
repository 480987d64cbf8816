use crate::pieces::Pieces;

/// What a template has written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The output, with the places of its parts.
    pub content: Pieces,
    /// The groups of the fragments in it.
    pub groups: Vec<String>,
    /// The groups of what was read for the fragments in it, beyond what was read for the page.
    pub recorded: Vec<String>,
    /// The ids of the fragments in it, as patterns see them.
    pub contains: Vec<String>,
}
