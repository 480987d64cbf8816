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
    /// Every name that any template binds, wherever; `None` if some templates are not known.
    bound: Option<BTreeSet<Box<str>>>,
    /// What components take from where they are called.
    implicit: BTreeSet<Box<str>>,
    /// What the site's code gives to all templates.
    globals: Context,
    /// The templates that name the visitor's session, themselves or by what they include or extend.
    personal: BTreeSet<String>,
    /// Which values of the request each template names, and which it uses: all, if some of its text is not known.
    uses: BTreeMap<String, (RequestUses, RequestUses)>,
}

/// What the visitor's session is called in templates.
pub(in crate::templates) const SESSION: &str = "session";

/// What the site's code adds to its templates.
#[derive(Debug, Clone)]
pub(in crate::templates) struct SiteCode<'a> {
    /// Whether it adds no templates.
    pub(in crate::templates) is_all: bool,
    /// Functions that see nothing of a page's values but their arguments.
    pub(in crate::templates) functions: &'a [String],
    /// What it gives to all templates.
    pub(in crate::templates) globals: Context,
}

/// A `{% cache %}` in a template.
#[derive(Debug, Clone)]
pub(in crate::templates::fragments) struct Place {
    /// The template, and the how manieth fragment it is there, from 1.
    pub(in crate::templates::fragments) name: String,
    pub(in crate::templates::fragments) mentions: Mentions,
    /// A digest of its body, as it is written.
    pub(in crate::templates::fragments) body: [u8; 32],
    template: String,
    /// Where it begins in the template.
    start: usize,
}

impl Place {
    /// Whether the visitor's session is named in it.
    fn names_session(&self) -> bool {
        self.mentions.names(SESSION)
    }
}

impl Places {
    /// Of the templates of the site.
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

    /// Whether there are none.
    pub(in crate::templates) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether a template names the visitor's session.
    pub(in crate::templates) fn names_session(&self, template: &str) -> bool {
        self.personal.contains(template)
    }

    /// Which values of the request a template uses. One that is not known here may use all.
    pub(in crate::templates) fn uses(&self, template: &str) -> RequestUses {
        self.uses.get(template).map_or(RequestUses::ALL, |(_, used)| *used)
    }

    /// Which values of the request a template is seen to name.
    pub(in crate::templates) fn names_of_request(&self, template: &str) -> RequestUses {
        self.uses.get(template).map_or(RequestUses::NONE, |(named, _)| *named)
    }

    /// The fragments that name the session: the template, and where the fragment begins in it.
    pub(in crate::templates) fn with_session(&self) -> impl Iterator<Item = (&str, usize)> {
        let places = self.places.iter().filter(|place| place.names_session());
        places.map(|place| (&*place.template, place.start))
    }

    /// The fragment of this number.
    pub(in crate::templates::fragments) fn get(&self, number: usize) -> Option<&Place> {
        self.places.get(number)
    }

    /// Whether a name may stand for something else than what the page was given under it.
    pub(in crate::templates::fragments) fn may_be_bound(&self, name: &str) -> bool {
        self.bound.as_ref().is_none_or(|bound| bound.contains(name))
    }

    /// Whether a component takes this from where it is called.
    pub(in crate::templates::fragments) fn is_implicit(&self, name: &str) -> bool {
        self.implicit.contains(name)
    }

    /// Whether the site's code gives this to all templates.
    pub(in crate::templates::fragments) fn is_global(&self, name: &str) -> bool {
        self.globals.contains_key(name)
    }
}

/// How many fragments a template has.
pub(in crate::templates) fn count(text: &str) -> usize {
    scanner::tags(text).filter(|tag| tag.word == "cache").count()
}

/// The names that a template binds, and some more.
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
                // From the word on, which is the `for` of a loop.
                names.extend(bound_within(&text[tag.word_at..tag.inside_end]));
            }
        }
    }
    names
}
