//! Implements the commands of the command line for a site.

use super::edition_loader::EditionLoader;
use super::named_groups::NamedGroups;
use super::running_node::sealing_keys;
use super::seed::Seed;
use super::{App, node, offline, resource};
use crate::checkpoint::ReplacedRecords;
use crate::cli::{self, MadeCheckpoint, Start};
use crate::computation;
use crate::config::{Config, Mode};
use crate::dispatch::service_of;
use crate::extract::Need;
use crate::problem::{Problem, Problems};
use crate::state::FieldKind;

impl cli::Site for App {
    fn serve(mut self, config: Config, start: Start) -> Result<(), Problems> {
        self.is_alone = start.is_alone;
        self.own_problems().or(())?;
        computation::run(node::serve(self, config, start.dev))
            .map_err(|error| Problem::new(format!("the runtime cannot start: {error}")))?
    }

    fn checkpoint(
        self,
        config: Config,
        records: ReplacedRecords,
    ) -> Result<MadeCheckpoint, Problems> {
        self.own_problems().or(())?;
        computation::run(offline::checkpoint(self, config, records))
            .map_err(|error| Problem::new(format!("the runtime cannot start: {error}")))?
    }

    fn routes(&self, config: &Config, json: bool) -> Result<String, Problems> {
        let table = crate::dispatch::Table::load(&config.dispatch.path)?;
        Ok(if json { table.to_json() } else { table.to_string() })
    }

    fn check(&self, config: &Config) -> Problems {
        let mut problems = self.own_problems();
        if config.mode != Mode::Frontend {
            for planned in &self.resources {
                if let Err(problem) = planned.check(&config.site) {
                    problems.extend(problem.into());
                }
            }
        }
        problems.extend(EditionLoader::of(self, config).check());
        problems
    }

    fn check_start(&self, config: &Config) -> Result<(), Problem> {
        if config.mode == Mode::Backend {
            return Ok(());
        }
        let shows_messages = EditionLoader::of(self, config).shows_messages();
        sealing_keys(config, self.session.is_some(), shows_messages).map(drop)
    }

    fn notes(&self, config: &Config) -> Problems {
        let fields = self.states.fields();
        // A group named by hand may stand for a plain value, which only code invalidates.
        let may_invalidate = fields.iter().any(|(_, kind)| *kind == FieldKind::Plain);
        let may_carry = self.variant.is_some();
        let groups = NamedGroups { fields, may_carry, may_invalidate, ..NamedGroups::default() };
        EditionLoader::of(self, config).notes(groups)
    }
}

impl App {
    /// Builds the resources, if controllers run here.
    pub(super) async fn build_resources(&mut self, config: &Config) -> Result<(), Problems> {
        if config.mode != Mode::Frontend {
            let planned = std::mem::take(&mut self.resources);
            self.built = resource::build(planned, &config.site).await?;
            self.built.insert(self.texts.clone());
        }
        Ok(())
    }

    /// Returns the problems in the site's code that do not depend on its files.
    pub(super) fn own_problems(&self) -> Problems {
        let mut problems = self.problems.clone();
        for Seed { state, location, is_registered, .. } in &self.seeds {
            if !is_registered(&self.states) {
                let message = format!(
                    "`.seed::<{state}>(…)` has no state to fill: add `.state::<{state}>()`"
                );
                problems.push(Problem::in_code(location, message));
            }
        }
        let has_resource = |id| self.resources.iter().any(|planned| planned.id == id);
        let session = self.session.as_ref().map(|session| session.id);
        for (index, controller) in self.controllers.iter().enumerate() {
            let lacking = |need: &Need| need.lacking(&self.states, has_resource, session);
            for message in controller.all_needs().iter().filter_map(lacking) {
                problems.push(Problem::in_code(controller.location(), message));
            }
            let earlier = self.controllers[..index].iter();
            if let Some(other) = earlier.into_iter().find(|other| other.name() == controller.name())
            {
                let (what, name) = match service_of(controller.name()) {
                    Some(service) => ("services", service),
                    None => ("controllers", controller.name()),
                };
                let message = format!(
                    "two {what} are registered as `{name}`, the other at {}",
                    other.location()
                );
                problems.push(Problem::in_code(controller.location(), message));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Site;
    use crate::config::Environment;

    #[test]
    fn a_site_that_shows_messages_is_checked_for_a_secret_before_it_starts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dispatch.conf"), "").unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        let config = Config::of_folder(folder.path()).unwrap();
        let app = App::new();
        assert!(app.check_start(&config).is_ok());
        std::fs::write(folder.path().join("templates/base.html"), "{{ flash() }}").unwrap();
        let refused = app.check_start(&config).unwrap_err().to_string();
        assert!(refused.contains("show messages"), "{refused}");
        let development = Config { environment: Environment::Development, ..config.clone() };
        assert!(app.check_start(&development).is_ok());
        let backend = Config { mode: Mode::Backend, ..config };
        assert!(app.check_start(&backend).is_ok(), "only front ends seal");
    }
}
