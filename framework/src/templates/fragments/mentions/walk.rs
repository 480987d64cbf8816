//! Reads pieces of templates, and the other pieces of the site that they refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::expression::{component_name, expression, filters, loop_head};
use super::found::{Found, LOOP};
use super::tokens::{Token, tokens};
use super::{Mentions, SiteCode};
use crate::templates::scanner::{self, Statement, Tag};

/// The templates of the site, and the findings so far.
pub(super) struct Walk<'a> {
    texts: BTreeMap<&'a str, &'a str>,
    /// The names that a call of each component may add to its arguments; `None` until they are computed.
    components: Option<BTreeMap<Box<str>, Mentions>>,
    known: BTreeMap<Piece<'a>, Option<Mentions>>,
    /// The site's code that affects its templates.
    code: SiteCode<'a>,
    /// Whether whole templates are read, so that a block is read only in its place.
    is_of_templates: bool,
}

/// A piece that others refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Template(&'a str),
    /// All blocks of this name.
    Blocks(&'a str),
}

/// The surroundings of a piece.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) text: &'a str,
    /// The block around it, if there is one.
    pub(super) block: Option<&'a str>,
}

impl<'a> Walk<'a> {
    /// Prepares to read these templates, by their names.
    pub(super) fn new(texts: BTreeMap<&'a str, &'a str>, code: SiteCode<'a>) -> Walk<'a> {
        let known = BTreeMap::new();
        let mut walk = Walk { texts, components: None, known, code, is_of_templates: false };
        walk.components = Some(walk.all_components());
        // The pieces read so far lack the names of the components that they call.
        walk.known.clear();
        walk
    }

    /// Prepares to read whole templates.
    pub(super) fn of_templates(self) -> Walk<'a> {
        Walk { known: BTreeMap::new(), is_of_templates: true, ..self }
    }

    /// Returns the variables that components take from the context of their calls.
    pub(super) fn implicit(&self) -> BTreeSet<Box<str>> {
        let components = self.components.iter().flat_map(BTreeMap::values);
        let paths = components.flat_map(|component| &component.paths);
        paths.filter_map(|path| path.first().cloned()).collect()
    }

    /// Returns the names in a template, with those of its includes and parents.
    pub(super) fn template(&mut self, name: &'a str) -> Mentions {
        self.mentions(Some(Piece::Template(name)))
    }

    /// Returns the names in a range.
    pub(super) fn piece(&mut self, within: Within<'a>, range: Range<usize>) -> Mentions {
        let (mut found, mut mentions) = (Found::default(), Mentions::default());
        found.open_scope(&[]);
        let mut blocks: Vec<&str> = within.block.into_iter().collect();
        let mut component = false;
        for statement in scanner::statements(within.text) {
            match statement {
                Statement::Output(output) if range.contains(&output.start) && !component => {
                    expression(&within.text[output], &mut found);
                }
                Statement::Tag(tag) if range.contains(&tag.range.start) => match tag.word {
                    "component" => component = true,
                    "endcomponent" => component = false,
                    _ if component => {}
                    "include" | "extends" => {
                        let name = quoted(&within.text[tag.rest()]);
                        let included = self.mentions(name.map(Piece::Template));
                        add(&included, &mut found, &mut mentions);
                    }
                    "block" => {
                        let name = scanner::identifier(within.text[tag.rest()].trim_start());
                        blocks.push(name);
                        found.open_scope(&[]);
                        if self.is_of_templates {
                            continue;
                        }
                        mentions.has_blocks = true;
                        // Blocks that contain each other are opaque, because their incomplete result is cached.
                        let others = self.mentions(Some(Piece::Blocks(name)));
                        add(&others, &mut found, &mut mentions);
                    }
                    "endblock" => {
                        blocks.pop();
                        found.close_scope();
                    }
                    _ => plain_tag(within.text, &tag, &mut found),
                },
                _ => {}
            }
            if std::mem::take(&mut found.supers) && !self.is_of_templates {
                mentions.has_blocks = true;
                match blocks.last() {
                    // All blocks of this name are being read.
                    Some(name) if self.is_underway(Piece::Blocks(name)) => {}
                    name => {
                        let parents = self.mentions(name.map(|name| Piece::Blocks(name)));
                        add(&parents, &mut found, &mut mentions);
                    }
                }
            }
            for name in std::mem::take(&mut found.components) {
                match &self.components {
                    None => drop(mentions.unread.insert(name)),
                    Some(known) => match known.get(&name) {
                        Some(component) => add(component, &mut found, &mut mentions),
                        None => mentions.is_unknown = true,
                    },
                }
            }
        }
        let is_seen = |function: &str| self.code.functions.iter().any(|known| known == function);
        mentions.is_unknown |= mentions.has_blocks && !self.code.is_all;
        mentions.is_opaque |= found.opaque || mentions.is_unknown;
        mentions.is_opaque |= !found.functions.iter().all(|function| is_seen(function));
        mentions.uses.add(found.uses);
        mentions.paths.append(&mut found.paths);
        mentions
    }

    fn is_underway(&self, piece: Piece<'a>) -> bool {
        matches!(self.known.get(&piece), Some(None))
    }

    /// Returns the names in a piece without surroundings. One that does not exist, or leads back to itself, may name
    /// anything.
    fn mentions(&mut self, piece: Option<Piece<'a>>) -> Mentions {
        let opaque = Mentions { is_opaque: true, is_unknown: true, ..Mentions::default() };
        let Some(piece) = piece else { return opaque };
        match self.known.get(&piece) {
            Some(Some(mentions)) => return mentions.clone(),
            Some(None) => return opaque,
            None => {}
        }
        self.known.insert(piece, None);
        let mentions = match piece {
            Piece::Template(name) => match self.texts.get(name).copied() {
                Some(text) => self.piece(Within { text, block: None }, 0..text.len()),
                None => opaque,
            },
            Piece::Blocks(name) => self.blocks(name),
        };
        self.known.insert(piece, Some(mentions.clone()));
        mentions
    }

    fn blocks(&mut self, name: &'a str) -> Mentions {
        let mut mentions = Mentions::default();
        let texts = self.texts.values().copied().collect::<Vec<_>>();
        for text in texts {
            let bodies = bodies(text, "block", "endblock");
            for (tag, body) in bodies {
                if scanner::identifier(text[tag.rest()].trim_start()) == name {
                    mentions.extend(&self.piece(Within { text, block: Some(name) }, body));
                }
            }
        }
        mentions
    }

    /// Returns the names that a call of each component may add to its arguments, with those of the components that it
    /// calls.
    fn all_components(&mut self) -> BTreeMap<Box<str>, Mentions> {
        let mut all: BTreeMap<Box<str>, Mentions> = BTreeMap::new();
        let texts = self.texts.values().copied().collect::<Vec<_>>();
        for text in texts {
            for (tag, body) in bodies(text, "component", "endcomponent") {
                let head = tokens(&text[tag.rest()]);
                let implicit = head.windows(2).filter_map(|pair| match pair {
                    [Token::Sign("@"), Token::Word(name)] => Some(*name),
                    _ => None,
                });
                // Its other names are arguments.
                let paths = implicit.map(|name| [Box::from(name)].into()).collect();
                let within = self.piece(Within { text, block: None }, body);
                let (name, _) = component_name(&head);
                all.entry(name).or_default().extend(&Mentions { paths, ..within });
            }
        }
        // Components may call each other in a cycle: each round adds the names one call further away.
        loop {
            let before = all.clone();
            for component in all.values_mut() {
                for name in component.unread.clone() {
                    if let Some(called) = before.get(&name) {
                        component.extend(called);
                    }
                }
            }
            if all == before {
                break;
            }
        }
        let names: BTreeSet<Box<str>> = all.keys().cloned().collect();
        for component in all.values_mut() {
            // Other components are in templates that the site's code adds.
            component.is_unknown |= !std::mem::take(&mut component.unread).is_subset(&names);
            component.is_opaque |= component.is_unknown;
        }
        all
    }
}

/// Adds the names of another piece, except those that are bound here.
fn add(other: &Mentions, found: &mut Found, mentions: &mut Mentions) {
    for path in &other.paths {
        if !path.first().is_some_and(|name| found.is_bound(name)) {
            mentions.paths.insert(path.clone());
        }
    }
    mentions.add_all_but_paths(other);
}

/// Reads a tag that does not refer to another piece.
fn plain_tag(text: &str, tag: &Tag<'_>, found: &mut Found) {
    let rest = &text[tag.rest()];
    match tag.word {
        "if" => {
            expression(rest, found);
            found.open_scope(&[]);
        }
        "elif" => {
            found.close_scope();
            expression(rest, found);
            found.open_scope(&[]);
        }
        "else" => {
            found.close_scope();
            found.open_scope(&[]);
        }
        "for" => {
            let mut names = loop_head(rest, found);
            names.push(LOOP);
            found.open_scope(&names);
        }
        "filter" => {
            filters(rest, found);
            found.open_scope(&[]);
        }
        "cache" => {
            expression(rest, found);
            found.open_scope(&[]);
        }
        "endif" | "endfor" | "endfilter" | "endcache" => found.close_scope(),
        "set" => {
            let rest = rest.trim_start();
            let name = scanner::identifier(rest);
            let after = rest[name.len()..].trim_start();
            match after.strip_prefix('=') {
                Some(value) => {
                    expression(value, found);
                    found.bind(name);
                }
                None => capture(after, name, found),
            }
        }
        "set_global" => {
            let rest = rest.trim_start();
            let after = rest[scanner::identifier(rest).len()..].trim_start();
            match after.strip_prefix('=') {
                Some(value) => expression(value, found),
                None => capture(after, "", found),
            }
        }
        // The body of a `set` is a scope of its own, inside the scope with the name that it binds.
        "endset" => {
            found.close_scope();
            if let Some(name) = found.captured.pop() {
                found.bind(&name);
            }
        }
        "" if !rest.starts_with("</") => expression(rest, found),
        // `{% raw %}` and `{% break %}` name nothing.
        _ => {}
    }
}

/// Reads the beginning of `{% set name | upper %} … {% endset %}`.
fn capture(after: &str, name: &str, found: &mut Found) {
    if let Some(first) = after.strip_prefix('|') {
        filters(first, found);
    }
    found.captured.push(name.to_owned());
    found.open_scope(&[]);
}

/// Returns the tags with this word and their bodies, in the order in which they begin.
pub(super) fn bodies<'a>(text: &'a str, open: &str, close: &str) -> Vec<(Tag<'a>, Range<usize>)> {
    let mut all: Vec<(Tag<'a>, Range<usize>)> = Vec::new();
    let mut underway = Vec::new();
    for tag in scanner::tags(text) {
        if tag.word == open {
            underway.push(all.len());
            let body = tag.range.end..text.len();
            all.push((tag, body));
        } else if tag.word == close
            && let Some(last) = underway.pop()
        {
            all[last].1.end = tag.range.start;
        }
    }
    all
}

/// Returns the string at the beginning of `text`.
fn quoted(text: &str) -> Option<&str> {
    match tokens(text).first() {
        // A name with an escape in it is not looked up.
        Some(Token::Text(text)) if !text.contains('\\') => text.get(1..text.len() - 1),
        _ => None,
    }
}
