use std::sync::Arc;

use super::blocks;
use crate::templates::{Engine, EngineOptions};

/// Compiles a template of this name beside an empty one of each name that it uses.
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
    // The guide shows how a site registers this one.
    let label: crate::templates::Customise = Arc::new(|tera| {
        tera.register_function("label", |_: tera::Kwargs, _: &tera::State<'_>| "");
    });
    let options = EngineOptions { customise: vec![label], ..EngineOptions::default() };
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
