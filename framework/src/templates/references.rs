//! Checks the references between templates, and computes the depth that a render can reach.
//!
//! Tera renders by recursion: each block, include, `super()` and component uses a part of the stack, and a stack
//! overflow ends the whole process. Tera itself refuses cycles of includes alone and of extends alone, and lets
//! components nest at most 20 deep. It does not detect a cycle that mixes includes and extends (a block includes a
//! template that extends this one and calls `super()`), and it does not limit the stack that all of them need
//! together. This module does both.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::folder::Source;
use super::scanner;
use crate::problem::{Problem, Problems, line_of, nearest};

/// The limit on the length of a chain of extends and includes.
const LONGEST_PATH: usize = 64;

/// The limit on the levels of recursion of a render.
const MOST_LEVELS: usize = 400;

/// The depth to which Tera lets components call each other.
const COMPONENT_DEPTH: usize = 20;

/// The result of the check.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Problems,
    /// Names that are referred to and do not exist.
    pub(super) missing: BTreeSet<String>,
    /// Templates that are part of a cycle or nested too deep.
    pub(super) endless: BTreeSet<String>,
    /// The most levels of recursion that any render can need.
    pub(super) levels: usize,
}

/// Follows the references of all `sources`. `known` looks up templates that are not among them.
pub(super) fn check(folder: &Path, sources: &[Source], known: impl Fn(&str) -> bool) -> Findings {
    let names = || sources.iter().map(|source| source.name.as_str());
    let all = sources
        .iter()
        .map(|source| {
            (source.name.as_str(), (source.text.as_str(), TemplateStructure::of(&source.text)))
        })
        .collect::<BTreeMap<_, _>>();
    let mut findings = Findings::default();
    for (name, (text, structure)) in &all {
        for reference in &structure.references {
            if all.contains_key(reference.name) || known(reference.name) {
                continue;
            }
            let mut message = format!("there is no template `{}`", reference.name);
            if let Some(near) = nearest(reference.name, names()) {
                message.push_str(&format!("; did you mean `{near}`?"));
            }
            let line = line_of(text, reference.offset);
            findings.problems.push(Problem::at_line(folder.join(name), line, message));
            findings.missing.insert(reference.name.to_owned());
        }
    }
    let mut walk = Walk { folder, all: &all, levels: HashMap::new(), findings };
    for name in names() {
        let levels = walk.visit(&mut Vec::new(), name);
        walk.findings.levels = walk.findings.levels.max(levels);
    }
    walk.add_components();
    walk.findings
}

struct Walk<'a> {
    folder: &'a Path,
    all: &'a BTreeMap<&'a str, (&'a str, TemplateStructure<'a>)>,
    levels: HashMap<&'a str, usize>,
    findings: Findings,
}

impl<'a> Walk<'a> {
    /// Visits `name` and everything that it refers to; `path` is the chain from the start of the walk. Returns the
    /// number of levels, without components.
    fn visit(&mut self, path: &mut Vec<&'a str>, name: &'a str) -> usize {
        let Some((text, structure)) = self.all.get(name) else { return 1 };
        if let Some(levels) = self.levels.get(name) {
            return *levels;
        }
        path.push(name);
        let mut below = 0;
        for reference in &structure.references {
            let circle = path.iter().position(|visited| *visited == reference.name);
            let wrong = match circle {
                Some(start) => {
                    let circle = path[start..].join(" → ");
                    format!(
                        "templates must not lead back to themselves: {circle} → {}",
                        reference.name
                    )
                }
                None if path.len() == LONGEST_PATH => {
                    format!(
                        "this is the {LONGEST_PATH}th template on the way from `{}`; that is too deep",
                        path[0]
                    )
                }
                None => {
                    below = below.max(self.visit(path, reference.name));
                    continue;
                }
            };
            let line = line_of(text, reference.offset);
            self.findings.problems.push(Problem::at_line(self.folder.join(name), line, wrong));
            self.findings.endless.insert(name.to_owned());
        }
        path.pop();
        let levels = structure.levels + below;
        self.levels.insert(name, levels);
        levels
    }

    /// Adds the most levels that components can need, when each calls another and includes its deepest template.
    fn add_components(&mut self) {
        let mut components = false;
        let mut included = 0;
        for (_, structure) in self.all.values() {
            components |= structure.components;
            for reference in structure.references.iter().filter(|reference| reference.in_component)
            {
                included = included.max(self.levels.get(reference.name).copied().unwrap_or(1));
            }
        }
        if components {
            self.findings.levels += COMPONENT_DEPTH * (1 + included);
        }
        if self.findings.levels > MOST_LEVELS {
            let message = format!(
                "blocks, includes and components could nest {} levels deep, and {MOST_LEVELS} are \
                 allowed: include less within components and blocks",
                self.findings.levels
            );
            self.findings.problems.push(Problem::in_file(self.folder, message));
        }
    }
}

/// The structure of a template.
#[derive(Debug, Default)]
struct TemplateStructure<'a> {
    references: Vec<Reference<'a>>,
    /// The levels of the template itself and the blocks nested in it.
    levels: usize,
    /// Whether it defines components.
    components: bool,
}

/// One `extends` or `include`.
#[derive(Debug)]
struct Reference<'a> {
    name: &'a str,
    /// The position in the text, in bytes.
    offset: usize,
    in_component: bool,
}

impl TemplateStructure<'_> {
    /// Reads the tags of a template, outside of comments and raw blocks.
    fn of(text: &str) -> TemplateStructure<'_> {
        let mut structure = TemplateStructure { levels: 1, ..TemplateStructure::default() };
        let mut blocks = 0_usize;
        let mut in_component = false;
        for tag in scanner::tags(text) {
            match tag.word {
                "block" => {
                    blocks += 1;
                    structure.levels = structure.levels.max(1 + blocks);
                }
                "endblock" => blocks = blocks.saturating_sub(1),
                "component" => {
                    in_component = true;
                    structure.components = true;
                }
                "endcomponent" => in_component = false,
                "extends" | "include" => {
                    if let Some(name) = quoted(&text[tag.rest()]) {
                        let offset = tag.range.start;
                        structure.references.push(Reference { name, offset, in_component });
                    }
                }
                _ => {}
            }
        }
        structure
    }
}

/// Returns the string at the beginning of `text`, in any of Tera's quotes.
fn quoted(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    text[1..].split_once(quote).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_found_outside_of_comments_and_raw_blocks() {
        let text = "{#{% include 'a' %}#}{%- extends \"b\" -%}{% raw %}{% include 'c' %}{% endraw %}\
                    {{ {'x': 1} }}{%include `d`%}{% included 'e' %}{% include f %}";
        let structure = TemplateStructure::of(text);
        let found = structure.references.iter().map(|reference| reference.name);
        assert_eq!(found.collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn the_levels_of_a_site_add_up() {
        let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
        let mut sources = vec![
            source(
                "page",
                "{% extends 'base' %}{% block a %}{% block b %}{% endblock %}{% endblock %}",
            ),
            source("base", "{% block a %}{% endblock %}{% include 'foot' %}"),
            source("foot", ""),
        ];
        assert_eq!(check(Path::new("t"), &sources, |_| false).levels, 3 + 2 + 1);
        sources.push(source("c", "{% component c() %}{% include 'foot' %}{% endcomponent %}"));
        assert_eq!(check(Path::new("t"), &sources, |_| false).levels, 6 + 20 * 2);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_search_panic(text in "[{}%# a'\"é`-]*|(\\{% (raw|endraw|block|include 'é'))*") {
            TemplateStructure::of(&text);
        }
    }
}
