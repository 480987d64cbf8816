//! Templates with fragments: the rewriting of `{% cache … %}`, compared with Tera's reading of the same source with
//! filter sections and conditions in place of the tag.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use headwater::internals::pieces::{Fragment, Pieces};
use headwater::internals::templates::{
    Engine, EngineOptions, FragmentFill, FragmentKey, FragmentType, Fragments, NoFragments,
    TextPosition, Values, rewrite, tags,
};
use serde_json::json;
use tera::{ErrorKind, Kwargs, ReportError, State, Tera};

/// `data` is a template.
pub fn run(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let found: Vec<_> =
        tags(source).filter(|tag| matches!(tag.word, "cache" | "endcache")).collect();
    let unknown = syntax_error(source).filter(|error| error.message() == "Unknown tag");
    let unknown = unknown.map(|error| &source[error.span().range.clone()]);
    let filters = Reference::of(source, ["filter cache(", ") "], "endfilter");
    match rewrite(source, 0) {
        Ok(None) => {
            assert!(found.is_empty() && !matches!(unknown, Some("cache" | "endcache")));
        }
        Ok(Some(rewritten)) => {
            assert!(!found.is_empty());
            assert_eq!(rewritten.text().matches('\n').count(), source.matches('\n').count());
            let error = syntax_error(rewritten.text());
            let expected = syntax_error(&filters.text);
            // An `if` around a filter section counts as two levels.
            if [&error, &expected].into_iter().flatten().any(is_of_limit) {
                return;
            }
            let place = |error: &ReportError| {
                let (line, column) = (error.span().start_line, error.span().start_col + 1);
                rewritten.original(TextPosition { line, column })
            };
            let error = error.map(|error| (place(&error), error.message().to_owned()));
            let expected = expected.map(|expected| {
                let at = filters.original(start(&filters.text, &expected));
                let tag = found.iter().find(|tag| tag.range.contains(&at));
                let start = tag.map(|tag| TextPosition::of(source, tag.range.start));
                // Errors in inserted text are reported at its tag.
                let is_at_start = error.as_ref().is_some_and(|(place, _)| Some(*place) == start);
                let place = start.filter(|_| is_at_start);
                let place = place.unwrap_or_else(|| TextPosition::of(source, at));
                (place, expected.message().to_owned())
            });
            assert_eq!(error, expected, "{}\n\n{}", rewritten.text(), filters.text);
            if error.is_none() && is_cheap(source) {
                render(source);
            }
        }
        Err(wrong) => {
            assert!(!wrong.is_empty());
            assert!(wrong.iter().all(|wrong| source.is_char_boundary(wrong.offset)));
            let conditions = Reference::of(source, ["if cache(", ") "], "endif");
            // If both replacements are well-formed, the body is closed by its own tag.
            let is_readable =
                [filters, conditions].iter().all(|it| syntax_error(&it.text).is_none());
            let refused = wrong.iter().find(|wrong| is_of_structure(&wrong.message));
            assert!(!is_readable || refused.is_none(), "Tera reads it, but: {refused:?}");
        }
    }
}

/// Returns the offset of a report in the text, in bytes. The report's own range is that of a token, which may be the
/// previous one.
fn start(text: &str, report: &ReportError) -> usize {
    let lines = text.split_inclusive('\n').take(report.span().start_line - 1);
    let line = lines.map(str::len).sum::<usize>();
    let before = text[line..].chars().take(report.span().start_col);
    line + before.map(char::len_utf8).sum::<usize>()
}

fn is_of_limit(error: &ReportError) -> bool {
    error.message().ends_with("too deep") || error.message().ends_with("too complex")
}

/// Whether Tera must refuse the template too, with any replacement of the tag. Other messages begin with text of the
/// template, or with `cache`.
fn is_of_structure(message: &str) -> bool {
    ["this ", "the ", "there "].iter().any(|start| message.starts_with(start))
        || message.ends_with("` has no value")
        || message == "`endcache` takes nothing; write `{% endcache %}`"
}

fn syntax_error(text: &str) -> Option<ReportError> {
    let error = Tera::new().add_raw_template("t", text).err()?;
    match error.kind() {
        ErrorKind::SyntaxError(report) => Some((**report).clone()),
        _ => None,
    }
}

/// A template with other tags in place of `cache` and `endcache`.
struct Reference {
    text: String,
    /// The ranges of the inserted text and of the text that it replaces, in bytes.
    edits: Vec<(Range<usize>, Range<usize>)>,
}

impl Reference {
    fn of(source: &str, cache: [&str; 2], end_cache: &str) -> Reference {
        let mut reference = Reference { text: String::new(), edits: Vec::new() };
        let mut copied = 0;
        for tag in tags(source) {
            let word = tag.word_at..tag.rest().start;
            let end = tag.inside_end..tag.inside_end;
            match tag.word {
                "cache" => {
                    reference.put(&source[copied..word.start], cache[0], &word);
                    reference.put(&source[word.end..end.start], cache[1], &end);
                    copied = end.end;
                }
                "endcache" => {
                    reference.put(&source[copied..word.start], end_cache, &word);
                    copied = word.end;
                }
                _ => {}
            }
        }
        reference.text.push_str(&source[copied..]);
        reference
    }

    fn put(&mut self, before: &str, with: &str, old: &Range<usize>) {
        self.text.push_str(before);
        let start = self.text.len();
        self.text.push_str(with);
        self.edits.push((start..self.text.len(), old.clone()));
    }

    /// Returns the offset in the source of a byte in the text.
    fn original(&self, at: usize) -> usize {
        match self.edits.iter().rev().find(|(new, _)| new.start <= at) {
            None => at,
            Some((new, old)) if at < new.end => old.start,
            Some((new, old)) => old.end + (at - new.end),
        }
    }
}

/// Whether rendering a template is fast and does not depend on whether a fragment is cached.
fn is_cheap(source: &str) -> bool {
    let is_free =
        ["set", "filter", "|", "range", "component", "<", "include", "extends", "part", "block"];
    source.matches("for").count() <= 2 && !is_free.iter().any(|word| source.contains(word))
}

/// Checks that a template renders the same with a true condition in place of each tag, and the same again with cached
/// fragments.
fn render(source: &str) {
    let kept = Rc::new(Kept::default());
    let Ok(page) = rendered(source, kept.clone()) else { return };
    assert_eq!(rendered(source, Rc::new(NoFragments)).as_ref(), Ok(&page));
    let plain = Reference::of(source, ["if holds(", ") "], "endif");
    assert_eq!(rendered(&plain.text, Rc::new(NoFragments)).as_ref(), Ok(&page));
    kept.is_open.set(true);
    assert_eq!(rendered(source, kept).as_ref(), Ok(&page), "on a hit");
}

fn rendered(source: &str, fragments: Rc<dyn Fragments>) -> Result<Pieces, String> {
    let folder = tempfile::tempdir().expect("there is room for a file");
    fs::write(folder.path().join("page.html"), source).expect("there is room for a file");
    let holds = |tera: &mut Tera| tera.register_function("holds", |_: Kwargs, _: &State<'_>| true);
    let mut options = EngineOptions::default();
    options.customise = vec![Arc::new(holds)];
    let engine = Engine::load(folder.path(), &options).map_err(|error| error.to_string())?;
    let values = json!({"x": "a<b", "y": [1, "b"], "z": {"a": true}});
    let values = Values::of(&values).expect("it is an object");
    let rendered = engine.render("page.html", &values, fragments);
    Ok(rendered.map_err(|error| error.message)?.content.joined())
}

/// Cached fragments; an id that is stored with different texts is dropped.
#[derive(Default)]
struct Kept {
    fragments: RefCell<HashMap<String, Option<Arc<Fragment>>>>,
    is_open: Cell<bool>,
}

impl Fragments for Kept {
    fn find(&self, key: &FragmentKey, _: FragmentType) -> Option<Arc<Fragment>> {
        self.fragments.borrow().get(&key.id).filter(|_| self.is_open.get())?.clone()
    }

    fn keep(&self, fill: FragmentFill) {
        let mut fragments = self.fragments.borrow_mut();
        let kept = fragments.entry(fill.key.id).or_insert_with(|| Some(fill.fragment.clone()));
        if kept.as_ref().is_some_and(|kept| kept.content != fill.fragment.content) {
            *kept = None;
        }
    }
}
