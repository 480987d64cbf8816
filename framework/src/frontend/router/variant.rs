use super::Visitor;

/// What a site's variant function says about a request: how its answer depends on more than the URL.
///
/// The function runs on the front end for each request that a controller, a template or an error page
/// answers, once for the page and once for each of its parts. It sees the whole request, as a [`Visitor`]. Controllers take the variant's name as
/// [`VariantName`](crate::extract::VariantName), and in each template it is `variant`. On a route
/// that caches the function also decides about the page, on another about the fragments in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    pub(in crate::frontend) kind: VariantKind,
    pub(super) groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::frontend) enum VariantKind {
    Yes,
    Named(String),
    Key(String),
    /// Of this name, if it has one.
    No(Option<String>),
}

impl Variant {
    /// The answer is the same for all visitors: it is cached under the URL.
    pub fn yes() -> Variant {
        VariantKind::Yes.into()
    }

    /// The answer is the same for all visitors of this variant, a language for example: the name is
    /// added to the key, and controllers and templates may see it.
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
        VariantKind::No(None).into()
    }

    /// The same version for this visitor only, as with [`no`](Variant::no): controllers and templates see its name, so
    /// the page looks as the one that is cached.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// /// Members have pages of their own. What is reloaded with all caches passed over is made anew.
    /// fn variant(visitor: &Visitor<'_>) -> Variant {
    ///     let is_member = visitor.cookie("member").is_some();
    ///     let variant = if is_member { Variant::named("member") } else { Variant::yes() };
    ///     match visitor.header("cache-control") {
    ///         Some("no-cache") => variant.uncached(),
    ///         _ => variant,
    ///     }
    /// }
    /// # let _ = App::new().variant(variant);
    /// ```
    pub fn uncached(self) -> Variant {
        let name = match self.kind {
            VariantKind::Named(name) => Some(name),
            VariantKind::No(name) => name,
            VariantKind::Yes | VariantKind::Key(_) => None,
        };
        VariantKind::No(name).into()
    }

    /// Adds a group that the answer is in.
    pub fn group(mut self, group: impl Into<String>) -> Variant {
        self.groups.push(group.into());
        self
    }
}

impl VariantKind {
    /// What the variant is called, if it has a name.
    pub(in crate::frontend) fn name(&self) -> Option<&str> {
        match self {
            VariantKind::Named(name) => Some(name),
            VariantKind::No(name) => name.as_deref(),
            VariantKind::Yes | VariantKind::Key(_) => None,
        }
    }
}

impl From<VariantKind> for Variant {
    fn from(kind: VariantKind) -> Variant {
        Variant { kind, groups: Vec::new() }
    }
}

/// A site's variant function.
pub(crate) type VariantFn = dyn Fn(&Visitor<'_>) -> Variant + Send + Sync;
