use super::Visitor;

/// What a site's variant function says about a request: how its answer depends on more than the URL.
///
/// The function runs on the front end for each request that a controller or a template is to answer.
/// On a route that caches it decides about the page, on another about the fragments in it. It sees
/// the whole request, as a [`Visitor`]; a controller whose answer is cached sees only the variant's
/// name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    pub(super) kind: VariantKind,
    pub(super) groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VariantKind {
    Yes,
    Named(String),
    Key(String),
    No,
}

impl Variant {
    /// The answer is the same for everybody: it is cached under the URL.
    pub fn yes() -> Variant {
        VariantKind::Yes.into()
    }

    /// The answer is the same for everybody with this name, a language for example: the name is
    /// added to the key, and the controller may see it.
    pub fn named(name: impl Into<String>) -> Variant {
        VariantKind::Named(name.into()).into()
    }

    /// The answer is the same wherever this key is the same: it takes the place of the URL, and
    /// patterns are matched with it. Line breaks in it become spaces.
    pub fn key(key: impl Into<String>) -> Variant {
        // In the cache a line break ends the id.
        VariantKind::Key(key.into().replace('\n', " ")).into()
    }

    /// The answer is for this visitor only: the cache is neither read nor written, and the
    /// controller sees the whole request.
    pub fn no() -> Variant {
        VariantKind::No.into()
    }

    /// Adds a group that the answer is in.
    pub fn group(mut self, group: impl Into<String>) -> Variant {
        self.groups.push(group.into());
        self
    }
}

impl From<VariantKind> for Variant {
    fn from(kind: VariantKind) -> Variant {
        Variant { kind, groups: Vec::new() }
    }
}

/// A site's variant function.
pub type VariantFn = dyn Fn(&Visitor<'_>) -> Variant + Send + Sync;
