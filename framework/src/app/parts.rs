//! What a site's files say, loaded and checked against each other.

use std::path::Path;
use std::sync::Arc;

use http::header::ACCEPT_LANGUAGE;

use super::App;
use crate::config::Config;
use crate::dispatch::{Location, Table, Target};
use crate::frontend::Edition;
use crate::problem::{Problem, Problems};
use crate::templates::{Engine, Options};

/// Loads what a front end needs. A template or controller that is named but missing stops it here
/// rather than at a visitor's request.
pub(super) fn load(app: &App, config: &Config) -> Result<Edition, Problems> {
    let (table, templates, problems) = read(app, config);
    match templates {
        Some(templates) => problems.or(Edition { table, templates }),
        None => Err(problems),
    }
}

/// All that is wrong in the site's files, and between them and its code.
pub(super) fn check(app: &App, config: &Config) -> Problems {
    read(app, config).2
}

fn read(app: &App, config: &Config) -> (Arc<Table>, Option<Engine>, Problems) {
    let (table, mut problems) = Table::read(&config.dispatch.path);
    let table = Arc::new(table);
    let routes = Arc::clone(&table);
    let options = Options {
        customise: app.customise.clone(),
        url_for: Arc::new(move |name, params| {
            routes.url_for(name, params).map_err(|error| error.to_string())
        }),
        ..Options::default()
    };
    let folder = &config.templates.path;
    let templates = match folder.is_dir() {
        true => Engine::load(folder, &options),
        false => Ok(Engine::empty(&options)),
    };
    let templates = templates.map_err(|found| problems.extend(found)).ok();
    // Templates that cannot be loaded are at least there.
    let is_there = |name: &str| match &templates {
        Some(templates) => templates.contains(name),
        None => folder.join(name).is_file(),
    };
    for (name, location) in table.templates().filter(|(name, _)| !is_there(name)) {
        let message = format!("there is no template `{name}` in {}", folder.display());
        problems.push(at(location, message));
    }
    if config.languages.is_empty() {
        check_no_languages(&table, &mut problems);
    }
    if !config.docroot.path.is_dir() {
        check_no_files(&config.docroot.path, &table, &mut problems);
    }
    check_controllers(app, &table, &mut problems);
    (table, templates, problems)
}

/// Routes to files when there is no docroot.
fn check_no_files(docroot: &Path, table: &Table, problems: &mut Problems) {
    for route in table.routes() {
        if matches!(route.target, Target::Files { .. }) {
            let docroot = docroot.display();
            let message = format!("the files are to be in {docroot}, and there is no such folder");
            problems.push(at(&route.location, message));
        }
    }
}

/// Routes with a page for each language when the site has named no languages.
fn check_no_languages(table: &Table, problems: &mut Problems) {
    for route in table.routes() {
        if route.vary.contains(&ACCEPT_LANGUAGE) {
            let message = "`vary` names accept-language, so the route has a page for each of the \
                           site's languages, and project.toml names none: write there, at the top, \
                           languages = [\"en\", \"de\"]";
            problems.push(at(&route.location, message.to_owned()));
        }
    }
}

/// What the routes want of controllers that the site's code does not have.
fn check_controllers(app: &App, table: &Table, problems: &mut Problems) {
    for route in table.routes() {
        let Target::Controller(name) = &route.target else { continue };
        let mut report = |message| problems.push(at(&route.location, message));
        let Some(controller) = app.controllers.iter().find(|known| known.name() == name) else {
            report(app.unregistered(name));
            continue;
        };
        for capture in controller.captures() {
            if !route.captures().iter().any(|known| known == capture) {
                report(format!(
                    "`#[invalidate]` of the controller `{name}` names `{{{capture}}}`, which this \
                     route does not capture"
                ));
            }
        }
    }
}

fn at(location: &Location, message: String) -> Problem {
    Problem::at_line(location.file.to_path_buf(), location.line, message)
}
