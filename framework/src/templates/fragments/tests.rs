//! Fragments in whole renders, stored in a map.

mod errors;
mod evaluation;
mod forging;
mod freshness;
mod keys;
mod rows;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tera::{Kwargs, State};

use super::*;
use crate::pieces::{Piece, Pieces};
use crate::templates::error::RenderError;
use crate::templates::{Customise, Engine, EngineOptions, Rendered, Values};

/// Keeps fragments for ever.
#[derive(Default)]
struct Shelf {
    fragments: RefCell<BTreeMap<String, FragmentFill>>,
    asked: RefCell<Vec<String>>,
}

impl Fragments for Shelf {
    fn find(&self, key: &FragmentKey, _: FragmentType) -> Option<Arc<Fragment>> {
        self.asked.borrow_mut().push(key.id.clone());
        let fragments = self.fragments.borrow();
        let found = fragments.get(&key.id).filter(|fill| fill.key == *key);
        found.map(|fill| Arc::clone(&fill.fragment))
    }

    fn keep(&self, fill: FragmentFill) {
        self.fragments.borrow_mut().insert(fill.key.id.clone(), fill);
    }
}

/// A site whose templates can call `count()`, which counts how often it was called.
struct Site {
    engine: Engine,
    shelf: Rc<Shelf>,
    counted: Arc<AtomicUsize>,
    _folder: TempDir,
}

impl Site {
    fn new(files: &[(&str, &str)]) -> Site {
        let folder = write(files);
        let counted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&counted);
        let customise: Customise = Arc::new(move |tera| {
            let counter = Arc::clone(&counter);
            let count = move |_: Kwargs, _: &State<'_>| counter.fetch_add(1, Ordering::Relaxed) + 1;
            tera.register_function("count", count);
        });
        let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
        let engine =
            Engine::load(folder.path(), &options).unwrap_or_else(|error| panic!("{error}"));
        Site { engine, shelf: Rc::default(), counted, _folder: folder }
    }

    /// Makes a site of one template, `page.html`.
    fn of(page: &str) -> Site {
        Site::new(&[("page.html", page)])
    }

    fn try_render(&self, json: &str) -> Result<Rendered, Box<RenderError>> {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let values = Values::of(&json).unwrap();
        self.engine.render("page.html", &values, self.shelf.clone())
    }

    fn render(&self, json: &str) -> String {
        shown(&self.rendered(json).content)
    }

    fn rendered(&self, json: &str) -> Rendered {
        self.try_render(json).unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self, json: &str) -> String {
        self.try_render(json).unwrap_err().to_string()
    }

    fn counted(&self) -> usize {
        self.counted.load(Ordering::Relaxed)
    }

    /// Returns the ids and texts of the stored fragments.
    fn kept(&self) -> Vec<(String, String)> {
        let fragments = self.shelf.fragments.borrow();
        let kept = fragments.iter().map(|(id, fill)| (id.clone(), shown(&fill.fragment.content)));
        kept.collect()
    }

    fn fragment(&self, id: &str) -> Arc<Fragment> {
        Arc::clone(&self.shelf.fragments.borrow()[id].fragment)
    }
}

fn write(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Returns the problems in the templates, without the folder's name.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let folder = write(files);
    let problems = Engine::load(folder.path(), &EngineOptions::default()).unwrap_err();
    let folder = format!("{}/", folder.path().display());
    problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
}

fn problems_of(page: &str) -> Vec<String> {
    problems(&[("page.html", page)])
}

/// Formats content as text; a part is `[url|fallback]`.
fn shown(pieces: &Pieces) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let piece = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => text(bytes),
        Piece::Part(part) => format!("[{}|{}]", part.url(), text(part.fallback())),
    };
    pieces.iter().map(piece).collect()
}

fn names(names: &[Box<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

#[test]
fn text_that_only_looks_like_the_tag_is_unchanged() {
    for text in [
        "",
        "{{ x }}",
        "{# {% cache %} #}{% raw %}{% endcache %}{% endraw %}",
        "{{ '{% cache %}' }}",
    ] {
        assert_eq!(rewrite(text, 0), Ok(None), "{text}");
    }
}

mod any_text {
    use proptest::prelude::*;

    use super::super::rewrite;
    use crate::templates::positions::TextPosition;

    const WORDS: &str = "(\\{% |%\\}|-|cache |id=|groups=|type=|'a'|\"\\n\"|,|\\n| |é|x|endcache |\
         if x |endif |for y in z |endfor |break |filter upper |endfilter |\\{\\{|\\}\\}|\\{#|#\\})*";

    proptest! {
        #[test]
        fn no_text_makes_the_rewriting_panic(text in ".*") {
            let _ = rewrite(&text, 0);
        }

        #[test]
        fn a_template_without_the_tag_is_unchanged(text in WORDS) {
            prop_assert_eq!(rewrite(&text.replace("cache", "cached"), 0), Ok(None));
        }

        #[test]
        fn rewriting_keeps_the_lines_and_every_place_has_an_original(text in WORDS) {
            let Ok(Some(rewritten)) = rewrite(&text, 0) else { return Ok(()) };
            prop_assert_eq!(rewritten.text().matches('\n').count(), text.matches('\n').count());
            for offset in 0..=rewritten.text().len() {
                if rewritten.text().is_char_boundary(offset) {
                    let place = TextPosition::of(rewritten.text(), offset);
                    let original = rewritten.original(place);
                    prop_assert_eq!(original.line <= text.matches('\n').count() + 1, true);
                }
            }
        }

        #[test]
        fn each_tag_is_found_where_the_author_wrote_it(
            lines in proptest::collection::vec(
                "(@|é|x|\\{% cache id='a' %\\}|\\{%- cache\tid = 1, groups=['b', 'é'] -%\\}|\
                 \\{% endcache %\\})*", 1..5)
        ) {
            let text = lines.join("\n");
            let Ok(Some(rewritten)) = rewrite(&text, 0) else { return Ok(()) };
            let ats = |text: &str| {
                let ats = text.match_indices('@').map(|(at, _)| TextPosition::of(text, at));
                ats.collect::<Vec<_>>()
            };
            let found = ats(rewritten.text());
            let found = found.into_iter().map(|place| rewritten.original(place)).collect::<Vec<_>>();
            prop_assert_eq!(found, ats(&text));
        }
    }
}
