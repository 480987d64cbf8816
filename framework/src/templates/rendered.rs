use crate::pieces::Pieces;

/// The output of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The content, with its parts as pieces.
    pub content: Pieces,
    /// The groups of the fragments in it.
    pub groups: Vec<String>,
    /// The groups of the reads of its fragments, beyond those of the page.
    pub recorded: Vec<String>,
    /// The ids of the fragments in it, as patterns see them.
    pub contains: Vec<String>,
}
