use std::path::PathBuf;

use super::watched_paths::WatchedPaths;
use crate::catalogues::Catalogues;
use crate::config::Config;
use crate::http::Languages;
use crate::problem::Problems;

/// Loads the catalogues of the site's languages, as often as they change.
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

    /// The site's languages.
    pub(super) fn languages(&self) -> &Languages {
        &self.languages
    }

    /// The catalogues, as far as they can be read. It reads files, so it may block.
    pub(super) fn load(&self, problems: &mut Problems) -> Catalogues {
        Catalogues::load(&self.folder, &self.languages, problems)
    }

    /// The catalogues, if nothing is wrong in them. It reads files, so it may block.
    pub(super) fn load_whole(&self) -> Result<Catalogues, Problems> {
        let mut problems = Problems::new();
        let catalogues = self.load(&mut problems);
        problems.or(catalogues)
    }

    /// Where they are.
    pub(super) fn watched_paths(&self) -> WatchedPaths {
        WatchedPaths { folders: vec![self.folder.clone()], ..WatchedPaths::default() }
    }
}
