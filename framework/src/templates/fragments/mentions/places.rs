use std::collections::{BTreeMap, BTreeSet};

use super::Mentions;
use super::expression::bound_within;
use super::tokens::{Token, tokens};
use super::walk::{Walk, Within, bodies};
use crate::request_values::RequestUses;
use crate::templates::folder::Source;
use crate::templates::scanner::{self, Statement};
use tera::Context;

/// All fragments of the site, in the order of the templates.
#[derive(Debug, Clone, Default)]
pub(in crate::templates) struct Places {
    places: Vec<Place>,
    /// All names that any template binds; `None` if some templates are unknown.
    bound: Option<BTreeSet<Box<str>>>,
    /// The variables that components take from the context of their calls.
    implicit: BTreeSet<Box<str>>,
    /// The values that the site's code gives to all templates.
    globals: Context,
    /// The templates that name the visitor's session, directly or through a template that they include or extend.
    personal: BTreeSet<String>,
    /// For each template, the request values that it names, and those that it uses: all, if some of its text is
    /// unknown.
    uses: BTreeMap<String, (RequestUses, RequestUses)>,
}

/// The name of the visitor's session in templates.
pub(in crate::templates) const SESSION: &str = "session";

/// The site's code that affects its templates.
#[derive(Debug, Clone)]
pub(in crate::templates) struct SiteCode<'a> {
    /// Whether the code adds no templates.
    pub(in crate::templates) is_all: bool,
    /// Functions that read none of a page's values except their arguments.
    pub(in crate::templates) functions: &'a [String],
    /// The values that it gives to all templates.
    pub(in crate::templates) globals: Context,
}

/// A `{% cache %}` in a template.
#[derive(Debug, Clone)]
pub(in crate::templates::fragments) struct Place {
    /// The template, and the number of the fragment in it, counted from 1.
    pub(in crate::templates::fragments) name: String,
    pub(in crate::templates::fragments) mentions: Mentions,
    /// A digest of the source text of its body.
    pub(in crate::templates::fragments) body: [u8; 32],
    template: String,
    /// The offset in the template.
    start: usize,
}

impl Place {
    /// Returns whether it names the visitor's session.
    fn names_session(&self) -> bool {
        self.mentions.names(SESSION)
    }
}

impl Places {
    /// Finds the fragments of the site's templates.
    pub(in crate::templates) fn of(sources: &[Source], code: SiteCode<'_>) -> Places {
        let SiteCode { is_all, globals, .. } = code.clone();
        let texts: BTreeMap<&str, &str> =
            sources.iter().map(|source| (source.name.as_str(), source.text.as_str())).collect();
        let mut walk = Walk::new(texts, code);
        let mut places = Vec::new();
        for Source { name, text } in sources {
            let blocks = bodies(text, "block", "endblock");
            for (number, (tag, body)) in bodies(text, "cache", "endcache").into_iter().enumerate() {
                let around = blocks.iter().rfind(|(_, block)| block.contains(&tag.range.start));
                let block =
                    around.map(|(tag, _)| scanner::identifier(text[tag.rest()].trim_start()));
                let digest = *blake3::hash(&text.as_bytes()[body.clone()]).as_bytes();
                let mentions = walk.piece(Within { text, block }, body);
                let (template, start) = (name.clone(), tag.range.start);
                let name = format!("{name}:{}", number + 1);
                places.push(Place { name, mentions, body: digest, template, start });
            }
        }
        let implicit = walk.implicit();
        let mut walk = walk.of_templates();
        let (mut personal, mut uses) = (BTreeSet::new(), BTreeMap::new());
        for Source { name, .. } in sources {
            let mentions = walk.template(name);
            if mentions.names(SESSION) {
                personal.insert(name.clone());
            }
            let named = mentions.request_uses();
            let used = if mentions.is_unknown { RequestUses::ALL } else { named };
            uses.insert(name.clone(), (named, used));
        }
        let bound = is_all.then(|| {
            let names = sources.iter().flat_map(|source| bound_in(&source.text));
            names.map(Box::from).collect()
        });
        Places { places, bound, implicit, globals, personal, uses }
    }

    /// Returns whether the site has no fragments.
    pub(in crate::templates) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns whether a template names the visitor's session.
    pub(in crate::templates) fn names_session(&self, template: &str) -> bool {
        self.personal.contains(template)
    }

    /// Returns the request values that a template uses: all, for an unknown template.
    pub(in crate::templates) fn uses(&self, template: &str) -> RequestUses {
        self.uses.get(template).map_or(RequestUses::ALL, |(_, used)| *used)
    }

    /// Returns the request values that a template visibly names.
    pub(in crate::templates) fn names_of_request(&self, template: &str) -> RequestUses {
        self.uses.get(template).map_or(RequestUses::NONE, |(named, _)| *named)
    }

    /// Returns the fragments that name the session: the template, and the offset in it.
    pub(in crate::templates) fn with_session(&self) -> impl Iterator<Item = (&str, usize)> {
        let places = self.places.iter().filter(|place| place.names_session());
        places.map(|place| (&*place.template, place.start))
    }

    /// Returns the fragment with this number.
    pub(in crate::templates::fragments) fn get(&self, number: usize) -> Option<&Place> {
        self.places.get(number)
    }

    /// Returns whether a template may bind this name, so that it does not refer to the page's value.
    pub(in crate::templates::fragments) fn may_be_bound(&self, name: &str) -> bool {
        self.bound.as_ref().is_none_or(|bound| bound.contains(name))
    }

    /// Returns whether a component takes this variable from the context of its call.
    pub(in crate::templates::fragments) fn is_implicit(&self, name: &str) -> bool {
        self.implicit.contains(name)
    }

    /// Returns whether the site's code gives this value to all templates.
    pub(in crate::templates::fragments) fn is_global(&self, name: &str) -> bool {
        self.globals.contains_key(name)
    }
}

/// Returns the number of fragments in a template.
pub(in crate::templates) fn count(text: &str) -> usize {
    scanner::tags(text).filter(|tag| tag.word == "cache").count()
}

/// Returns the names that a template binds, and possibly others.
fn bound_in(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for statement in scanner::statements(text) {
        match statement {
            Statement::Output(output) => names.extend(bound_within(&text[output])),
            Statement::Tag(tag) => {
                let rest = &text[tag.rest()];
                match tag.word {
                    "set" | "set_global" => names.push(scanner::identifier(rest.trim_start())),
                    "component" => {
                        names.push("body");
                        names.extend(tokens(rest).into_iter().filter_map(|token| match token {
                            Token::Word(word) => Some(word),
                            _ => None,
                        }));
                    }
                    _ => {}
                }
                // Starts at the word, because `for` is the word of a loop.
                names.extend(bound_within(&text[tag.word_at..tag.inside_end]));
            }
        }
    }
    names
}
