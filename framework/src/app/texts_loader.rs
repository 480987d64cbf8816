use std::path::PathBuf;

use super::watched_paths::WatchedPaths;
use crate::catalogues::Catalogues;
use crate::config::Config;
use crate::http::Languages;
use crate::problem::Problems;

/// Loads the catalogues of the site's languages, at the start and after changes.
#[derive(Debug, Clone)]
pub(super) struct TextsLoader {
    folder: PathBuf,
    languages: Languages,
}

impl TextsLoader {
    pub(super) fn of(config: &Config) -> TextsLoader {
        let languages = Languages::new(&config.languages);
        TextsLoader { folder: config.locales.path.clone(), languages }
    }

    /// Returns the site's languages.
    pub(super) fn languages(&self) -> &Languages {
        &self.languages
    }

    /// Loads the catalogues, as far as they can be read. Reads files, so it may block.
    pub(super) fn load(&self, problems: &mut Problems) -> Catalogues {
        Catalogues::load(&self.folder, &self.languages, problems)
    }

    /// Loads the catalogues, if they have no problems. Reads files, so it may block.
    pub(super) fn load_whole(&self) -> Result<Catalogues, Problems> {
        let mut problems = Problems::new();
        let catalogues = self.load(&mut problems);
        problems.or(catalogues)
    }

    /// Returns the paths of the catalogues.
    pub(super) fn watched_paths(&self) -> WatchedPaths {
        WatchedPaths { folders: vec![self.folder.clone()], ..WatchedPaths::default() }
    }
}
