//! What a site's files say, loaded and checked against each other.

use std::sync::Arc;

use super::App;
use crate::config::Config;
use crate::dispatch::{Location, Table, Target};
use crate::problem::{Problem, Problems};
use crate::templates::{Engine, Options};

/// The dispatch table and the templates that it refers to.
pub(super) struct FrontParts {
    pub(super) table: Arc<Table>,
    pub(super) templates: Engine,
}

/// Loads what a front end needs. A template or controller that is named but missing stops it here
/// rather than at a visitor's request.
pub(super) fn load(app: &App, config: &Config) -> Result<FrontParts, Problems> {
    let (table, templates, problems) = read(app, config);
    match (table, templates) {
        (Some(table), Some(templates)) => problems.or(FrontParts { table, templates }),
        _ => Err(problems),
    }
}

/// All that is wrong in the site's files, and between them and its code.
pub(super) fn check(app: &App, config: &Config) -> Problems {
    read(app, config).2
}

/// What the routes want of controllers that the site's code does not have.
fn check_controllers(app: &App, table: &Table, problems: &mut Problems) {
    for route in table.routes() {
        let Target::Controller(name) = &route.target else { continue };
        let Location { file, line } = &route.location;
        let mut report = |message| {
            problems.push(Problem::at_line(file.to_path_buf(), *line, message));
        };
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

fn read(app: &App, config: &Config) -> (Option<Arc<Table>>, Option<Engine>, Problems) {
    let mut problems = Problems::new();
    let mut keep = |found: Problems| problems.extend(found);
    let table = Table::load(&config.dispatch.path).map_err(&mut keep).ok().map(Arc::new);
    let mut options = Options { customise: app.customise.clone(), ..Options::default() };
    if let Some(table) = &table {
        let table = Arc::clone(table);
        options.url_for = Arc::new(move |name, params| {
            table.url_for(name, params).map_err(|error| error.to_string())
        });
    }
    let templates = if config.templates.path.is_dir() {
        Engine::load(&config.templates.path, &options).map_err(&mut keep).ok()
    } else {
        Some(Engine::empty(&options))
    };
    if let Some(table) = &table
        && !config.docroot.path.is_dir()
    {
        let folder = config.docroot.path.display();
        for route in table.routes() {
            if matches!(route.target, Target::Files { .. }) {
                let Location { file, line } = &route.location;
                let message =
                    format!("the files are to be in {folder}, and there is no such folder");
                problems.push(Problem::at_line(file.to_path_buf(), *line, message));
            }
        }
    }
    if let (Some(table), Some(templates)) = (&table, &templates) {
        for (name, location) in table.templates() {
            if !templates.contains(name) {
                let folder = config.templates.path.display();
                let message = format!("there is no template `{name}` in {folder}");
                let file = location.file.to_path_buf();
                problems.push(Problem::at_line(file, location.line, message));
            }
        }
    }
    if let Some(table) = &table {
        check_controllers(app, table, &mut problems);
    }
    (table, templates, problems)
}
