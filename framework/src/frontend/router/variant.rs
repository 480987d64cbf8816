use super::Visitor;

/// The result of a site's variant function: how the answer to a request depends on more than the URL.
///
/// The function runs on the front end for each request that a controller, a template or an error page answers, once
/// for the page and once for each of its parts. It receives the whole request, as a [`Visitor`]. Controllers read the
/// variant's name with [`VariantName`](crate::extract::VariantName), and in each template it is `variant`. On a cached
/// route the result applies to the page, on other routes to the fragments in it.
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
    /// With this name, if it has one.
    No(Option<String>),
}

impl Variant {
    /// The answer is the same for all visitors and is cached under the URL.
    pub fn yes() -> Variant {
        VariantKind::Yes.into()
    }

    /// The answer is the same for all visitors of this variant, a language for example: the name is added to the key,
    /// and controllers and templates can read it.
    pub fn named(name: impl Into<String>) -> Variant {
        VariantKind::Named(name.into()).into()
    }

    /// The answer is the same for all requests with this key: it replaces the URL, and patterns are matched against
    /// it. Line breaks in it become spaces.
    pub fn key(key: impl Into<String>) -> Variant {
        // In the cache a line break ends the id.
        VariantKind::Key(key.into().replace('\n', " ")).into()
    }

    /// The answer is for this visitor only: the cache is neither read nor written, and the controller receives the
    /// whole request.
    pub fn no() -> Variant {
        VariantKind::No(None).into()
    }

    /// The same variant for this visitor only, as with [`no`](Variant::no): controllers and templates receive its
    /// name, so the page looks like the cached one.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// /// Members have pages of their own. A page that is reloaded without caches is made again.
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

    /// Adds a group to the answer.
    pub fn group(mut self, group: impl Into<String>) -> Variant {
        self.groups.push(group.into());
        self
    }
}

impl VariantKind {
    /// Returns the name of the variant, if it has one.
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

/// The type of a site's variant function.
pub(crate) type VariantFn = dyn Fn(&Visitor<'_>) -> Variant + Send + Sync;
