//! Reads pieces of templates, and what belongs to them elsewhere in the site.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::expression::{component_name, expression, filters, loop_head};
use super::found::{Found, LOOP};
use super::tokens::{Token, tokens};
use super::{Mentions, SiteCode};
use crate::templates::scanner::{self, Statement, Tag};

/// The templates of the site, and what is known of them so far.
pub(super) struct Walk<'a> {
    texts: BTreeMap<&'a str, &'a str>,
    /// What a call of each component may name besides its arguments; `None` while that is found out.
    components: Option<BTreeMap<Box<str>, Mentions>>,
    known: BTreeMap<Piece<'a>, Option<Mentions>>,
    /// What the site's code adds.
    code: SiteCode<'a>,
    /// Whether whole templates are read, so that a block is read where it stands only.
    is_of_templates: bool,
}

/// What other pieces refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Template(&'a str),
    /// All blocks of this name.
    Blocks(&'a str),
}

/// Where a piece stands.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) text: &'a str,
    /// The block around it, if there is one.
    pub(super) block: Option<&'a str>,
}

impl<'a> Walk<'a> {
    /// Of these templates, by their names.
    pub(super) fn new(texts: BTreeMap<&'a str, &'a str>, code: SiteCode<'a>) -> Walk<'a> {
        let known = BTreeMap::new();
        let mut walk = Walk { texts, components: None, known, code, is_of_templates: false };
        walk.components = Some(walk.all_components());
        // What was read meanwhile lacks what the components that it calls name.
        walk.known.clear();
        walk
    }

    /// The same for whole templates.
    pub(super) fn of_templates(self) -> Walk<'a> {
        Walk { known: BTreeMap::new(), is_of_templates: true, ..self }
    }

    /// What components take from where they are called.
    pub(super) fn implicit(&self) -> BTreeSet<Box<str>> {
        let components = self.components.iter().flat_map(BTreeMap::values);
        let paths = components.flat_map(|component| &component.paths);
        paths.filter_map(|path| path.first().cloned()).collect()
    }

    /// What a template names, with what it includes and extends.
    pub(super) fn template(&mut self, name: &'a str) -> Mentions {
        self.mentions(Some(Piece::Template(name)))
    }

    /// What the piece from `range` names.
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
                        // Where blocks hold each other, it may name anything: what is read now is kept.
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

    /// What a piece names with nothing around it. One that is not there, or leads back to itself, may name
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

    /// What a call of each component may name besides its arguments, with what the components that it calls name.
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
                // Its own names are arguments.
                let paths = implicit.map(|name| [Box::from(name)].into()).collect();
                let within = self.piece(Within { text, block: None }, body);
                let (name, _) = component_name(&head);
                all.entry(name).or_default().extend(&Mentions { paths, ..within });
            }
        }
        // They may call each other in a circle: each round adds what is one call further away.
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
            // Others are in templates that the site's code adds.
            component.is_unknown |= !std::mem::take(&mut component.unread).is_subset(&names);
            component.is_opaque |= component.is_unknown;
        }
        all
    }
}

/// Adds what is named elsewhere and belongs here.
fn add(other: &Mentions, found: &mut Found, mentions: &mut Mentions) {
    for path in &other.paths {
        if !path.first().is_some_and(|name| found.is_bound(name)) {
            mentions.paths.insert(path.clone());
        }
    }
    mentions.add_all_but_paths(other);
}

/// A tag that refers to nothing elsewhere.
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
        // The body of a `set` is a scope of its own, in a scope with the name that it binds.
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

/// The beginning of `{% set name | upper %} … {% endset %}`.
fn capture(after: &str, name: &str, found: &mut Found) {
    if let Some(first) = after.strip_prefix('|') {
        filters(first, found);
    }
    found.captured.push(name.to_owned());
    found.open_scope(&[]);
}

/// The tags of this word and their bodies, in the order in which they begin.
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

/// The string that `text` begins with.
fn quoted(text: &str) -> Option<&str> {
    match tokens(text).first() {
        // One with an escape in it is not looked for.
        Some(Token::Text(text)) if !text.contains('\\') => text.get(1..text.len() - 1),
        _ => None,
    }
}
