use std::fmt;

use headwater_address::is_for_other_ids;

use crate::log::{Invalidation, escape_address};
use crate::reply::Reply;

/// One `#[invalidate(…)]` of a controller: the cached content that it invalidates.
///
/// Groups and patterns may contain `{name}`, which is replaced by the value that the route captured
/// under that name. Patterns contain it in the spelling of addresses, but patterns for other ids
/// (`^fragment:…`) contain it unchanged; in both cases, characters with a meaning in regular
/// expressions are escaped. In a pattern, `{name}` in a class (`[{a}]`) and after a backslash
/// (`\p{Greek}`, `\{`) keeps the meaning it has in regular expressions.
#[derive(Debug, Clone, Default)]
pub struct Invalidates {
    groups: Vec<Vec<Piece>>,
    patterns: Vec<Vec<Piece>>,
    when: Option<Condition>,
}

/// A piece of a group's name or of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Text(&'static str),
    /// The value that the route captured under this name.
    Capture(&'static str),
}

/// Decides by the reply whether content must be invalidated.
pub type Condition = fn(&Reply) -> bool;

/// The invalidations of a controller for one request.
#[derive(Debug, Clone, Default)]
pub struct Invalidations {
    /// Unconditional invalidations.
    pub always: Invalidation,
    /// Invalidations that apply if the function returns true for the reply.
    pub conditional: Vec<(Invalidation, Condition)>,
}

/// A controller's `#[invalidate]` names a capture that its route does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`#[invalidate]` of the controller `{controller}` names `{{{capture}}}`, but its route captures \
     {captured:?}: name one of them, or capture `{{{capture}}}` in the route's path"
)]
pub struct MissingCapture {
    /// The controller's name.
    pub controller: String,
    /// The name that the route does not capture.
    pub capture: String,
    /// The captures of the route.
    pub captured: Vec<String>,
}

impl Invalidates {
    /// Creates an empty declaration.
    pub fn new() -> Invalidates {
        Invalidates::default()
    }

    /// Adds a group.
    pub fn group(mut self, pieces: &[Piece]) -> Invalidates {
        self.groups.push(pieces.to_vec());
        self
    }

    /// Adds a pattern: a regular expression that is searched for in the ids of cached content.
    pub fn pattern(mut self, pieces: &[Piece]) -> Invalidates {
        self.patterns.push(pieces.to_vec());
        self
    }

    /// Makes the invalidation depend on the reply.
    pub fn when(mut self, condition: Condition) -> Invalidates {
        self.when = Some(condition);
        self
    }

    /// Returns the names of the captures that are used.
    pub(crate) fn captures(&self) -> impl Iterator<Item = &'static str> {
        self.groups.iter().chain(&self.patterns).flatten().filter_map(|piece| match piece {
            Piece::Capture(name) => Some(*name),
            Piece::Text(_) => None,
        })
    }

    /// Returns the groups, each as a list of pieces.
    pub(crate) fn groups(&self) -> &[Vec<Piece>] {
        &self.groups
    }

    fn fill(&self, params: &[(String, String)]) -> Result<Invalidation, &'static str> {
        let literal = |value: &str, text: &mut String| text.push_str(value);
        // In a catch-all capture a slash separates segments, in any other it is part of one.
        let as_in_address = |value: &str, text: &mut String| {
            text.push_str(&escape_address(value).replace('/', "(?:/|%2F)"));
        };
        let escaped = |value: &str, text: &mut String| text.push_str(&regex::escape(value));
        let mut invalidation = Invalidation::new();
        for pieces in &self.groups {
            invalidation = invalidation.group(fill(pieces, params, literal)?);
        }
        for pieces in &self.patterns {
            let for_other_ids =
                matches!(pieces[..], [Piece::Text(text), ..] if is_for_other_ids(text));
            invalidation = invalidation.pattern(match for_other_ids {
                true => fill(pieces, params, escaped)?,
                false => fill(pieces, params, as_in_address)?,
            });
        }
        Ok(invalidation)
    }
}

impl Invalidations {
    /// Returns whether any invalidation depends on the reply.
    pub(crate) fn is_conditional(&self) -> bool {
        !self.conditional.is_empty()
    }

    /// Returns the invalidations of a list of `#[invalidate]`s, with the values of a request's
    /// route filled in.
    pub(super) fn of(
        controller: &str,
        invalidates: &[Invalidates],
        params: &[(String, String)],
    ) -> Result<Invalidations, MissingCapture> {
        let mut all = Invalidations::default();
        for one in invalidates {
            let filled = one.fill(params).map_err(|capture| MissingCapture {
                controller: controller.to_owned(),
                capture: capture.to_owned(),
                captured: params.iter().map(|(name, _)| name.clone()).collect(),
            })?;
            match one.when {
                None => all.always.merge(&filled),
                Some(condition) => all.conditional.push((filled, condition)),
            }
        }
        Ok(all)
    }
}

fn fill(
    pieces: &[Piece],
    params: &[(String, String)],
    put_in: impl Fn(&str, &mut String),
) -> Result<String, &'static str> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Capture(name) => {
                let (_, value) = params.iter().find(|(known, _)| known == name).ok_or(*name)?;
                put_in(value, &mut text);
            }
        }
    }
    Ok(text)
}

impl fmt::Display for Invalidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("group", &self.groups), ("pattern", &self.patterns)];
        let all = kinds.iter().flat_map(|(kind, list)| list.iter().map(move |one| (kind, one)));
        for (index, (kind, pieces)) in all.enumerate() {
            write!(f, "{}{kind} ", if index > 0 { ", " } else { "" })?;
            for piece in pieces {
                match piece {
                    Piece::Text(text) => f.write_str(text)?,
                    Piece::Capture(name) => write!(f, "{{{name}}}")?,
                }
            }
        }
        if self.when.is_some() { f.write_str(" (conditional)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLUG: Piece = Piece::Capture("slug");

    fn params(slug: &str) -> Vec<(String, String)> {
        vec![("slug".to_owned(), slug.to_owned())]
    }

    #[test]
    fn captures_are_filled_in_and_escaped_in_patterns() {
        let invalidates = Invalidates::new().group(&[Piece::Text("story:"), SLUG]).pattern(&[
            Piece::Text("^/stories/"),
            SLUG,
            Piece::Text("$"),
        ]);
        let all = Invalidations::of("show", &[invalidates], &params("a.b")).unwrap();
        assert_eq!(all.always.groups, ["story:a.b"]);
        assert_eq!(all.always.patterns, [r"^/stories/a\.b$"]);
        assert!(all.conditional.is_empty());
    }

    #[test]
    fn a_capture_in_a_pattern_is_spelled_as_in_the_address() {
        let pattern = |beginning| {
            let pieces = [Piece::Text(beginning), SLUG, Piece::Text("$")];
            let invalidates = [Invalidates::new().pattern(&pieces)];
            let all = Invalidations::of("show", &invalidates, &params("größe/a?.b")).unwrap();
            all.always.check().unwrap();
            all.always.patterns.into_iter().next().unwrap()
        };
        let address = pattern("^/stories/");
        let regex = regex::Regex::new(&address).unwrap();
        assert!(regex.is_match("/stories/gr%C3%B6%C3%9Fe%2Fa%3F.b"), "{address}");
        assert!(regex.is_match("/stories/gr%C3%B6%C3%9Fe/a%3F.b"), "{address}");
        assert!(!regex.is_match("/stories/gr%C3%B6%C3%9Fe/a%3Fxb"), "{address}");
        let fragment = pattern("^fragment:card/");
        assert!(regex::Regex::new(&fragment).unwrap().is_match("fragment:card/größe/a?.b"));
    }

    #[test]
    fn conditional_invalidations_are_separate() {
        let always = Invalidates::new().group(&[Piece::Text("news")]);
        let sometimes = Invalidates::new().group(&[SLUG]).when(|reply| reply.status() == 303);
        let all = Invalidations::of("show", &[always, sometimes], &params("a")).unwrap();
        assert_eq!(all.always.groups, ["news"]);
        let [(invalidation, when)] = &all.conditional[..] else { panic!("{all:?}") };
        assert_eq!(invalidation.groups, ["a"]);
        assert!(when(&crate::reply::redirect_to("/")));
        assert!(!when(&crate::reply::text("x")));
    }

    #[test]
    fn a_capture_that_the_route_does_not_have_is_named() {
        let invalidates = [Invalidates::new().group(&[Piece::Capture("id")])];
        let error = Invalidations::of("show", &invalidates, &params("a")).unwrap_err();
        assert!(error.to_string().contains(r#"names `{id}`, but its route captures ["slug"]"#));
        assert_eq!(invalidates[0].captures().collect::<Vec<_>>(), ["id"]);
    }
}
