use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::canonical::decode;
use super::captures::Captures;
use super::route::{Route, Scope, Target};

/// The result of looking up a request in the table.
#[derive(Debug)]
pub enum Resolution<'a> {
    /// A route accepts the request. Its target is never an alias.
    Route(Match<'a>),
    /// No route matches the path: status 404.
    NotFound {
        /// The part of the site whose error page applies.
        scope: Scope,
    },
    /// Routes match the path, but none accepts the method: status 405.
    MethodNotAllowed {
        /// The accepted methods, as in the `Allow` header.
        allow: String,
        /// The part of the site whose error page applies.
        scope: Scope,
    },
    /// The request asks with OPTIONS for the accepted methods, and no route handles OPTIONS itself.
    Options {
        /// The accepted methods, as in the `Allow` header.
        allow: String,
    },
    /// The limit of alias rewrites was exceeded: status 500, because the table is wrong.
    AliasLoop {
        /// The last alias.
        alias: &'a Route,
    },
}

/// A route and its captures from the request's path.
#[derive(Debug, Clone)]
pub struct Match<'a> {
    /// The route.
    pub route: &'a Arc<Route>,
    pub(super) path: Cow<'a, str>,
    pub(super) captures: Captures,
}

impl<'a> Match<'a> {
    /// Returns the canonical path of the match, after aliases. It identifies the content in the
    /// cache.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the same path, borrowed from the request or the table if possible.
    pub fn path_text(&self) -> Cow<'a, str> {
        self.path.clone()
    }

    /// Returns the captures: names and percent-decoded values. Captures that did not participate in
    /// the match of a pattern are left out.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Cow<'_, str>)> {
        let names = self.route.captures.iter().enumerate();
        names.filter_map(|(index, name)| Some((name.as_str(), decode(self.capture(index)?))))
    }

    /// Returns the captures as owned names and values.
    pub fn to_params(&self) -> Vec<(String, String)> {
        self.params().map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
    }

    /// Returns the text of the capture with this name, and its range in the path, in bytes.
    pub fn place_of(&self, name: &str) -> Option<(Range<usize>, &str)> {
        let index = self.route.captures.iter().position(|known| known == name)?;
        let text = self.capture(index)?;
        // `text` is a slice of the path.
        let start = text.as_ptr() as usize - self.path.as_ptr() as usize;
        Some((start..start + text.len(), text))
    }

    /// Returns the groups of the route, with captures filled in. A capture that did not participate
    /// in the match is replaced by empty text.
    pub fn groups(&self) -> Vec<String> {
        let fill = |index: usize, text: &mut String| {
            text.push_str(&decode(self.capture(index).unwrap_or_default()));
        };
        self.route.groups.iter().map(|group| group.expand(fill)).collect()
    }

    /// Returns the `Location` of a redirect route, which does not contain the request's query.
    pub fn redirect(&self) -> Option<String> {
        match &self.route.target {
            Target::Redirect { to, .. } => Some(to.expand(|index| self.capture(index))),
            _ => None,
        }
    }

    /// Returns the file of a files route, relative to the docroot, with `/` between folders. It
    /// ends with `/` if the request's path does. It has no dot segments and does not leave the
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

    /// Returns the capture at `index` in the spelling of the canonical path.
    pub(super) fn capture(&self, index: usize) -> Option<&str> {
        self.captures.get(index, &self.path)
    }
}
