use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::canonical::decode;
use super::captures::Captures;
use super::route::{Route, Scope, Target};

/// What the table says about a request.
#[derive(Debug)]
pub enum Resolution<'a> {
    /// This route takes it. Its target is never an alias.
    Route(Match<'a>),
    /// No route matches the path: status 404.
    NotFound {
        /// The part of the site that has the error page.
        scope: Scope,
    },
    /// Routes match the path, but none takes the method: status 405.
    MethodNotAllowed {
        /// The methods that are taken, as the `Allow` header lists them.
        allow: String,
        /// The part of the site that has the error page.
        scope: Scope,
    },
    /// The request asks with OPTIONS for the methods that are taken, and no route answers it.
    Options {
        /// The methods that are taken, as the `Allow` header lists them.
        allow: String,
    },
    /// Aliases led from one to the next too often: status 500, for the table is wrong.
    AliasLoop {
        /// The last alias.
        alias: &'a Route,
    },
}

/// A route and what it has of the request's path.
#[derive(Debug, Clone)]
pub struct Match<'a> {
    /// The route.
    pub route: &'a Arc<Route>,
    pub(super) path: Cow<'a, str>,
    pub(super) captures: Captures,
}

impl<'a> Match<'a> {
    /// The canonical path that the route was found with, after aliases: what names the content in
    /// the cache.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same path, borrowed from the request or the table where it can be.
    pub fn path_text(&self) -> Cow<'a, str> {
        self.path.clone()
    }

    /// The captures: name and percent-decoded value. Those that took no part in a pattern's match
    /// are left out.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Cow<'_, str>)> {
        let names = self.route.captures.iter().enumerate();
        names.filter_map(|(index, name)| Some((name.as_str(), decode(self.capture(index)?))))
    }

    /// The captures with names and values of their own.
    pub fn to_params(&self) -> Vec<(String, String)> {
        self.params().map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
    }

    /// What the capture of this name has of the path, and where, in bytes.
    pub fn place_of(&self, name: &str) -> Option<(Range<usize>, &str)> {
        let index = self.route.captures.iter().position(|known| known == name)?;
        let text = self.capture(index)?;
        // It is a piece of the path.
        let start = text.as_ptr() as usize - self.path.as_ptr() as usize;
        Some((start..start + text.len(), text))
    }

    /// The groups that the route puts its content into, with captures filled in. A capture that
    /// took no part in the match is empty text.
    pub fn groups(&self) -> Vec<String> {
        let fill = |index: usize, text: &mut String| {
            text.push_str(&decode(self.capture(index).unwrap_or_default()));
        };
        self.route.groups.iter().map(|group| group.expand(fill)).collect()
    }

    /// The `Location` of a redirect route. The request's query is not carried over.
    pub fn redirect(&self) -> Option<String> {
        match &self.route.target {
            Target::Redirect { to, .. } => Some(to.expand(|index| self.capture(index))),
            _ => None,
        }
    }

    /// The file that a files route means, relative to the docroot, with `/` between folders, and at
    /// the end where the request's path ends with one. It has no dot segments and leads out of no
    /// folder.
    pub fn file(&self) -> Option<String> {
        let Target::Files { folder } = &self.route.target else { return None };
        let Some(capture) = self.route.file_capture() else { return Some(folder.clone()) };
        let name = self.capture(capture)?.trim_start_matches('/');
        let harmless = |segment: &str| !matches!(segment, "" | "." | "..");
        let segments = name.strip_suffix('/').unwrap_or(name);
        if name.contains("%2F") || !segments.split('/').all(harmless) {
            return None;
        }
        let name = decode(name);
        Some(if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") })
    }

    /// The capture at `index` as it stands in the canonical path.
    pub(super) fn capture(&self, index: usize) -> Option<&str> {
        self.captures.get(index, &self.path)
    }
}
