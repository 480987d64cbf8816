//! The templates of a site, ready to be rendered.

mod options;

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tera::Tera;

use super::encode;
use super::error::{self, RenderError};
use super::folder::{self, Source};
use super::fragments::{self, Fragments, Places, Running, SiteCode};
use super::functions;
use super::inline;
use super::output::Output;
use super::positions::{Originals, TextPosition};
use super::references;
use super::rendered::Rendered;
use super::translations;
use super::values::Values;
use crate::catalogues::Catalogues;
use crate::inline::{InlineHashes, KnownInline};
use crate::media_type;
use crate::pieces::{Piece, Pieces};
use crate::problem::{Problem, Problems, line_of};
use crate::request_values::RequestUses;

pub(crate) use options::Customise;
pub use options::EngineOptions;

/// The loaded templates of a site.
///
/// Values written by a template are escaped according to its media type, unless they pass through the filter `safe`:
/// HTML and XML (`.html`, `.xml`, `.svg`, `.rss`, …) or JSON (`.json`, `.webmanifest`, …). The template that a render
/// begins with decides, because it determines the media type of the response.
#[derive(Clone)]
pub struct Engine {
    /// The folder that the templates were loaded from.
    folder: PathBuf,
    tera: Tera,
    /// The same templates with JSON escaping, if any template makes JSON.
    json: Option<Box<Tera>>,
    /// The templates with fragments, as their author wrote them.
    originals: Arc<Originals>,
    /// All fragments in the templates.
    places: Arc<Places>,
    has_sessions: bool,
    /// Whether a template has a place for messages.
    shows_messages: bool,
    /// The inline scripts and styles of the templates, of the kinds that are allowed by hash.
    inline: Arc<KnownInline>,
    /// The groups that fragments name, with their positions; `None` for a group that is an expression.
    named_groups: Arc<[(Problem, Option<String>)]>,
    catalogues: Arc<Catalogues>,
    /// The text keys that templates request; `None` if not all of them are literals.
    texts: Option<Arc<BTreeSet<String>>>,
    max_output: usize,
    /// The stack that a render may need, in bytes.
    stack: usize,
}

/// The stack that Tera uses for one level of its recursion, measured with 2.4 and rounded up. Without optimization it
/// is six times as much.
const STACK_PER_LEVEL: usize = if cfg!(debug_assertions) { 96 * 1024 } else { 20 * 1024 };

/// The stack that functions and filters may use at the deepest level.
const STACK_FOR_FUNCTIONS: usize = 128 * 1024;

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("names", &self.names()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Returns an engine without templates, for a site that has none.
    pub fn empty(options: &EngineOptions) -> Engine {
        let stack = STACK_FOR_FUNCTIONS + STACK_PER_LEVEL;
        let (originals, places, inline) = (Arc::default(), Arc::default(), Arc::default());
        let (folder, max_output) = (PathBuf::new(), options.max_output);
        let (has_sessions, named_groups) = (options.has_sessions, Arc::default());
        let (catalogues, texts) = (Arc::clone(&options.catalogues), Some(Arc::default()));
        Engine {
            folder,
            tera: tera(options),
            json: None,
            originals,
            places,
            has_sessions,
            shows_messages: false,
            inline,
            named_groups,
            catalogues,
            texts,
            max_output,
            stack,
        }
    }

    /// Loads every file below `folder`, so that a template may extend and include any other. A template's name is its
    /// path below the folder, with `/`.
    ///
    /// # Errors
    /// Returns all problems at once, with file and line: unreadable files, syntax errors, references to templates,
    /// functions, filters, tests, components and blocks that do not exist, and templates that lead back to
    /// themselves.
    pub fn load(folder: &Path, options: &EngineOptions) -> Result<Engine, Problems> {
        let mut problems = Problems::new();
        let sources = folder::read(folder, &mut problems);
        let mut engine = Engine { folder: folder.to_owned(), ..Engine::empty(options) };

        let is_all = engine.names().is_empty();
        let (originals, mut blank) = rewritten(folder, &sources, &mut problems);
        let readable = sources.iter().filter(|source| !blank.contains(&source.name));
        let wrong = wrong_syntax(folder, readable, &originals, &mut problems);
        blank.extend(wrong);
        let found = references::check(folder, &sources, |name| engine.contains(name));
        engine.stack = STACK_FOR_FUNCTIONS + STACK_PER_LEVEL * found.levels;
        problems.extend(found.problems);
        blank.extend(found.endless);

        // Templates with reported problems are added empty, so that the others can be checked.
        let present = sources.iter().map(|source| {
            let text = if blank.contains(&source.name) { "" } else { text_of(source, &originals) };
            (source.name.as_str(), text)
        });
        let missing = found.missing.iter().map(|name| (name.as_str(), ""));
        if let Err(error) = engine.tera.add_raw_templates(present.chain(missing)) {
            let complete = blank.is_empty() && problems.is_empty();
            for problem in error::problems(folder, &error, &originals).iter() {
                if complete || is_independent(&problem.message) {
                    problems.push(problem.clone());
                }
            }
        }
        // Tera matches suffixes, and a whole name is one. The site may have added templates of its own.
        let escaped = engine.names().into_iter().filter(|name| escapes(name));
        let escaped: Vec<String> = escaped.map(str::to_owned).collect();
        engine.tera.autoescape_on(escaped);
        engine.json = engine.for_json();
        engine.originals = Arc::new(originals);
        engine.named_groups = named_groups(folder, &sources).collect();
        engine.shows_messages = sources.iter().any(|source| fragments::calls_flash(&source.text));
        if options.customise.is_empty() && options.catalogues.languages().next().is_none() {
            translations::check_no_language(folder, &sources, &mut problems);
        }
        let texts = translations::check(folder, &sources, &options.catalogues, &mut problems);
        engine.texts = texts.map(Arc::new);
        let globals = engine.tera.global_context().clone();
        let functions: Vec<_> = options.functions.iter().map(|(name, _)| name.clone()).collect();
        let code = SiteCode { is_all, functions: &functions, globals };
        engine.places = Arc::new(Places::of(&sources, code));
        if options.has_sessions {
            for (name, offset) in engine.places.with_session() {
                let source = sources.iter().find(|source| source.name == name);
                let line = source.map_or(1, |source| line_of(&source.text, offset));
                let message = "the fragment names `session`, and is cached for all visitors: show the \
                               visitor's own content outside of `{% cache %}`, in a page or part that is not cached";
                problems.push(Problem::at_line(folder.join(name), line, message));
            }
        }
        let inline = inline::known(folder, &sources, &options.hashed, &mut problems);
        engine.inline = Arc::new(inline);
        problems.or(engine)
    }

    /// Returns whether any template contains a fragment.
    pub fn has_fragments(&self) -> bool {
        !self.places.is_empty()
    }

    /// Returns the groups that fragments name, with their positions; `None` for a group that is an expression.
    pub(crate) fn named_groups(&self) -> &[(Problem, Option<String>)] {
        &self.named_groups
    }

    /// Returns the site's texts.
    pub(crate) fn catalogues(&self) -> &Arc<Catalogues> {
        &self.catalogues
    }

    /// Returns the text keys in the templates; `None` if a template computes a key.
    pub(crate) fn asked_texts(&self) -> Option<&BTreeSet<String>> {
        self.texts.as_deref()
    }

    /// Returns the request values that a template uses, including those of the templates that it includes or extends.
    pub fn uses(&self, name: &str) -> RequestUses {
        self.places.uses(name)
    }

    /// Returns the request values that a template visibly names. Text that the engine cannot see adds nothing.
    pub(crate) fn names_of_request(&self, name: &str) -> RequestUses {
        self.places.names_of_request(name)
    }

    /// Returns whether a template names the visitor's session, directly or through a template that it includes or
    /// extends.
    pub fn names_session(&self, name: &str) -> bool {
        self.has_sessions && self.places.names_session(name)
    }

    /// Returns whether a template has a place for messages.
    pub(crate) fn shows_messages(&self) -> bool {
        self.shows_messages
    }

    /// Renders a template. Looks up its fragments in `fragments`, and stores the newly evaluated ones there if the
    /// render succeeds.
    ///
    /// The call never waits, but it may run for long: the template determines how long.
    ///
    /// # Errors
    /// Fails when the template does not exist, fails, panics or writes more than the limit, and when it changes the
    /// text of a fragment so that its end cannot be found.
    pub fn render(
        &self,
        name: &str,
        values: &Values,
        fragments: Rc<dyn Fragments>,
    ) -> Result<Rendered, Box<RenderError>> {
        if !self.contains(name) {
            return Err(Box::new(RenderError::missing(name)));
        }
        let mut output = Output::new(self.max_output);
        let what = (&self.places, name, values);
        let running = Running::begin(fragments, what, self.max_output);
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            stacker::maybe_grow(self.stack, self.stack, || {
                self.tera_of(name).render_to(name, values.context(), &mut output)
            })
        }));
        let error = match rendered {
            Ok(Ok(())) => match running.end(output.bytes()) {
                Ok(rendered) => return Ok(rendered),
                Err(message) => RenderError::damaged(name, &message),
            },
            Ok(Err(_)) if output.exceeded() => RenderError::too_large(name, self.max_output),
            Ok(Err(error)) => RenderError::failed(name, &error, &self.originals),
            Err(panic) => RenderError::panicked(name, panic.as_ref()),
        };
        Err(Box::new(error.below(&self.folder)))
    }

    /// Returns the engine for JSON pages, if there are any. Markup that they include gets the same escaping, because
    /// a value escaped for a JSON string contains no markup.
    fn for_json(&self) -> Option<Box<Tera>> {
        let names = self.names();
        names.iter().any(|name| is_json(name)).then(|| {
            let mut json = self.tera.clone();
            let escaped = names.iter().filter(|name| is_json(name) || escapes(name));
            json.autoescape_on(escaped.map(|name| (*name).to_owned()).collect::<Vec<_>>());
            json.set_escape_fn(encode::escape_json);
            json.register_filter("json_encode", encode::json_encode_safely);
            Box::new(json)
        })
    }

    /// Returns the engine for this template.
    fn tera_of(&self, name: &str) -> &Tera {
        match &self.json {
            Some(json) if is_json(name) => json,
            _ => &self.tera,
        }
    }

    /// Returns the hashes of the inline scripts and styles in this content that come from a template.
    pub(crate) fn inline_in(&self, content: &Pieces) -> InlineHashes {
        let mut hashes = InlineHashes::default();
        for piece in content.iter() {
            if let Piece::Bytes(bytes) = piece {
                self.inline.add_shown(bytes, &mut hashes);
            }
        }
        hashes
    }

    /// Returns the text for a key in a language, with these arguments; `None` if the catalogues do not contain the
    /// key.
    pub(crate) fn text(
        &self,
        lang: &str,
        key: &str,
        arguments: &serde_json::Map<String, serde_json::Value>,
    ) -> Option<String> {
        let arguments = arguments.iter();
        self.catalogues.text(lang, key, arguments.map(|(name, it)| (name.into(), it.into())))
    }

    /// Returns whether a template with this name exists.
    pub fn contains(&self, name: &str) -> bool {
        self.tera.contains_template(name)
    }

    /// Returns the names of all templates, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.tera.get_template_names().collect::<Vec<_>>();
        names.sort_unstable();
        names
    }
}

/// Returns whether the template with this name escapes values as markup.
pub(super) fn escapes(name: &str) -> bool {
    media_type::is_markup(&media_type::of(name))
}

/// Returns whether the template with this name makes JSON.
pub(super) fn is_json(name: &str) -> bool {
    media_type::is_json(&media_type::of(name))
}

fn tera(options: &EngineOptions) -> Tera {
    let mut tera = Tera::new();
    functions::register(&mut tera, options.url_for.clone(), options.asset.clone());
    functions::register_alternates(&mut tera, Arc::clone(&options.catalogues));
    translations::register(&mut tera, Arc::clone(&options.catalogues));
    fragments::register_part(&mut tera);
    super::date::register(&mut tera, Arc::clone(&options.catalogues));
    super::number::register(&mut tera, Arc::clone(&options.catalogues));
    tera.register_filter("slugify", encode::slugify);
    tera.register_filter("json_encode", encode::json_encode);
    tera.register_filter("urlencode", encode::urlencode);
    tera.register_filter("urlencode_strict", encode::urlencode_strict);
    for customise in &options.customise {
        customise(&mut tera);
    }
    for (name, function) in &options.functions {
        functions::register_one(&mut tera, name.clone(), Arc::clone(function));
    }
    fragments::register(&mut tera);
    tera
}

/// Rewrites the tags of fragments to tags that Tera supports. Returns the templates that contain fragments, and the
/// names of those whose tags are wrong.
fn rewritten(
    folder: &Path,
    sources: &[Source],
    problems: &mut Problems,
) -> (Originals, BTreeSet<String>) {
    let mut originals = Originals::default();
    let mut wrong = BTreeSet::new();
    let mut first = 0;
    for Source { name, text } in sources {
        let rewritten = fragments::rewrite(text, first);
        first += fragments::count(text);
        match rewritten {
            Ok(None) => {}
            Ok(Some(rewritten)) => originals.insert(name.clone(), rewritten),
            Err(found) => {
                for error in found {
                    let TextPosition { line, column } = TextPosition::of(text, error.offset);
                    let file = folder.join(name);
                    problems.push(Problem::at_column(file, line, column, error.message));
                }
                wrong.insert(name.clone());
            }
        }
    }
    (originals, wrong)
}

fn named_groups(
    folder: &Path,
    sources: &[Source],
) -> impl Iterator<Item = (Problem, Option<String>)> {
    sources.iter().flat_map(move |Source { name, text }| {
        fragments::constant_groups(text).flat_map(move |(offset, names)| {
            let TextPosition { line, column } = TextPosition::of(text, offset);
            let at = Problem::at_column(folder.join(name), line, column, "");
            let names = match names {
                Some(names) => names.into_iter().map(|name| Some(name.to_owned())).collect(),
                None => vec![None],
            };
            names.into_iter().map(move |name| (at.clone(), name))
        })
    })
}

/// Returns the text that is passed to Tera.
fn text_of<'a>(source: &'a Source, originals: &'a Originals) -> &'a str {
    originals.get(&source.name).map_or(&source.text, |rewritten| rewritten.text())
}

/// Parses each template separately, because Tera stops at the first error. Returns the names of those with errors.
fn wrong_syntax<'a>(
    folder: &Path,
    sources: impl Iterator<Item = &'a Source>,
    originals: &Originals,
    problems: &mut Problems,
) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for source in sources {
        if let Err(error) = Tera::new().add_raw_template(&source.name, text_of(source, originals))
            && matches!(error.kind(), tera::ErrorKind::SyntaxError(_))
        {
            problems.extend(error::problems(folder, &error, originals));
            wrong.insert(source.name.clone());
        }
    }
    wrong
}

/// Returns whether this finding holds regardless of the templates that were left empty.
fn is_independent(message: &str) -> bool {
    ["Unknown filter", "Unknown test", "Unknown function"]
        .iter()
        .any(|beginning| message.starts_with(beginning))
}

#[cfg(test)]
mod tests;
