use std::sync::Arc;

use super::blocks;
use crate::catalogues::Catalogues;
use crate::http::Languages;
use crate::problem::Problems;
use crate::templates::{Engine, EngineOptions};

/// Loads the catalogues in the guide, each below a comment with its name.
fn catalogues() -> Catalogues {
    let folder = tempfile::tempdir().unwrap();
    for block in blocks::in_language("fluent") {
        let name = block.text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &block.text).unwrap();
    }
    let mut problems = Problems::new();
    let languages = Languages::new(["en", "de"]);
    let catalogues = Catalogues::load(&folder.path().join("locales"), &languages, &mut problems);
    problems.extend(catalogues.notes(None));
    assert!(problems.is_empty(), "{problems}");
    catalogues
}

/// Compiles a template with this name, together with an empty template for each one that it extends
/// or includes.
pub(super) fn compile(name: &str, text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    for tag in ["extends \"", "include \""] {
        for (at, _) in text.match_indices(tag) {
            let other = text[at + tag.len()..].split('"').next().unwrap();
            write(other, "");
        }
    }
    write("components.html", crate::form::COMPONENTS);
    write(name, text);
    let catalogues = Arc::new(catalogues());
    let options = EngineOptions { catalogues, ..EngineOptions::default() };
    Engine::load(folder.path(), &options).map(drop).map_err(|problems| problems.to_string())
}

#[test]
fn every_template_of_the_guide_compiles() {
    for block in blocks::in_language("html") {
        if let Err(problems) = compile("page.html", &block.text) {
            panic!("{block}: {problems}");
        }
    }
}
