use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::counter;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinError;

use super::asset::{Outdated, ReferencedAssets};
use super::code::{Code, CodeState};
use super::edition_loader::EditionLoader;
use super::texts_loader::TextsLoader;
use super::watched_paths::{Stamp, WatchedPaths};
use crate::catalogues::Catalogues;
use crate::extract::LoadedTexts;
use crate::frontend::{Edition, FrontEnd};
use crate::problem::{Problem, Problems};

/// Reloads a site's files while the site is served: all of them or none, with the same checks as at the start.
pub(super) struct Reloader {
    serving: Serving,
    /// The site's texts, shared with controllers.
    texts: Arc<LoadedTexts>,
    /// The state of the files, if they are watched.
    watched: Option<Mutex<Watched>>,
    /// Serializes reloads, so that the last edition is the newest.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The files that a node serves from.
pub(super) enum Serving {
    /// All of them, on a front end.
    Pages(Arc<EditionLoader>, Arc<FrontEnd>),
    /// The texts, on a back end, and how often they were loaded.
    Texts(TextsLoader, AtomicU64),
}

/// The loaded files.
enum Loaded {
    Edition(Box<Edition>),
    Texts(Catalogues),
}

/// The state of watched files.
pub(super) struct Watched {
    /// Their appearance before they were last read.
    read: Seen,
    /// The fingerprints in the pages of the present edition.
    referenced: Arc<ReferencedAssets>,
    code: Arc<Code>,
}

/// The paths of files, and their appearance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) watched_paths: WatchedPaths,
    stamp: Stamp,
    outdated: Outdated,
}

impl Watched {
    /// Inspects files that are not loaded yet. May block.
    pub(super) fn begin(loader: &EditionLoader, code: Code) -> Watched {
        let referenced = Arc::default();
        Watched { read: Seen::of_pages(loader, &referenced), referenced, code: Arc::new(code) }
    }

    /// Inspects texts that are not loaded yet. May block.
    pub(super) fn begin_texts(loader: &TextsLoader, code: Code) -> Watched {
        let read = Seen::of_texts(loader);
        Watched { read, referenced: Arc::default(), code: Arc::new(code) }
    }

    /// Returns the record of referenced files for the pages of the first edition.
    pub(super) fn referenced(&self) -> Arc<ReferencedAssets> {
        Arc::clone(&self.referenced)
    }
}

impl Seen {
    fn of_pages(loader: &EditionLoader, referenced: &ReferencedAssets) -> Seen {
        let watched_paths = loader.watched_paths();
        Seen {
            stamp: watched_paths.stamp(),
            outdated: referenced.outdated(loader.files()),
            watched_paths,
        }
    }

    fn of_texts(loader: &TextsLoader) -> Seen {
        let watched_paths = loader.watched_paths();
        Seen { stamp: watched_paths.stamp(), outdated: Outdated::default(), watched_paths }
    }
}

impl Serving {
    fn load(&self, referenced: Option<Arc<ReferencedAssets>>) -> Result<Loaded, Problems> {
        match self {
            Serving::Pages(loader, _) => {
                loader.load(referenced).map(|edition| Loaded::Edition(Box::new(edition)))
            }
            Serving::Texts(loader, _) => loader.load_whole().map(Loaded::Texts),
        }
    }

    fn edition(&self) -> u64 {
        match self {
            Serving::Pages(_, frontend) => frontend.edition_number(),
            Serving::Texts(_, loads) => loads.load(Ordering::Relaxed),
        }
    }
}

impl Reloader {
    /// Reloads the files that a node serves from. `watched` was begun before the files were first read.
    pub(super) fn new(
        serving: Serving,
        texts: Arc<LoadedTexts>,
        watched: Option<Watched>,
    ) -> Arc<Reloader> {
        let watched = watched.map(Mutex::new);
        Arc::new(Reloader { serving, texts, watched, turn: Arc::default() })
    }

    /// Loads the files and serves from them; returns the number of the new edition. The result is logged and counted.
    /// A reload runs to its end even if its caller is dropped: the files count as read, so the result must be
    /// published or refused.
    ///
    /// # Errors
    /// Returns all problems in the files. The previous edition stays in use.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<u64, Problems> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let loading = tokio::spawn(Arc::clone(self).load(turn));
        loading.await.unwrap_or_else(|error| Err(failed(&error)))
    }

    async fn load(self: Arc<Self>, _turn: OwnedMutexGuard<()>) -> Result<u64, Problems> {
        let referenced = self.watched.is_some().then(Arc::<ReferencedAssets>::default);
        let (reloader, for_pages) = (Arc::clone(&self), referenced.clone());
        let loading = tokio::task::spawn_blocking(move || {
            // Inspected before reading, so that a later change is detected as another one.
            if let Some(seen) = reloader.look()
                && let Some(mut watched) = reloader.watched()
            {
                watched.read = seen;
            }
            reloader.serving.load(for_pages).map_err(|problems| (problems, reloader.code()))
        });
        // The site's own additions to templates run during loading, and may panic.
        let loaded = loading.await;
        let loaded = loaded.unwrap_or_else(|error| Err((failed(&error), CodeState::Unchanged)));
        match loaded {
            Ok(loaded) => Ok(self.publish(loaded, referenced)),
            Err((problems, code)) => Err(self.refuse(problems, code)),
        }
    }

    fn publish(&self, loaded: Loaded, referenced: Option<Arc<ReferencedAssets>>) -> u64 {
        if let Some(mut watched) = self.watched()
            && let Some(referenced) = referenced
        {
            // The fingerprints of the last edition's pages are obsolete.
            watched.referenced = referenced;
            watched.read.outdated.clear();
        }
        let number = match (loaded, &self.serving) {
            (Loaded::Edition(edition), Serving::Pages(_, frontend)) => {
                self.texts.set(Arc::clone(edition.templates.catalogues()));
                frontend.publish(*edition)
            }
            (Loaded::Texts(texts), Serving::Texts(_, loads)) => {
                self.texts.set(Arc::new(texts));
                loads.fetch_add(1, Ordering::Relaxed) + 1
            }
            _ => unreachable!("a node loads what it serves from"),
        };
        counter!("headwater_reloads_total", "outcome" => "loaded").increment(1);
        tracing::info!(edition = number, "the site's files are reloaded");
        number
    }

    /// Logs the problems in the files, and returns them.
    fn refuse(&self, mut problems: Problems, code: CodeState) -> Problems {
        counter!("headwater_reloads_total", "outcome" => "refused").increment(1);
        match code {
            CodeState::Unchanged => {}
            CodeState::Changed => problems.push(Problem::new(
                "the code has changed since this program was started: if the site's files need it, build and start the \
                 program again",
            )),
            CodeState::BeingBuilt => {
                tracing::info!("the site's files are for the code that is being built, and are loaded with it");
                return problems;
            }
        }
        let sorted = problems.clone().sorted();
        tracing::error!(
            edition = self.serving.edition(),
            "the site's files have problems and are not loaded; the previous edition stays in use"
        );
        for problem in sorted.iter() {
            tracing::error!("{problem}");
        }
        if let Serving::Pages(_, frontend) = &self.serving {
            frontend.keep_edition(sorted);
        }
        problems
    }

    /// Returns the state of the code, if the files are watched. May block.
    fn code(&self) -> CodeState {
        let code = self.watched().map(|watched| Arc::clone(&watched.code));
        code.map_or(CodeState::Unchanged, |code| code.state())
    }

    /// Inspects the files, if they are watched. May block.
    pub(super) fn look(&self) -> Option<Seen> {
        let referenced = self.watched()?.referenced();
        Some(match &self.serving {
            Serving::Pages(loader, _) => Seen::of_pages(loader, &referenced),
            Serving::Texts(loader, _) => Seen::of_texts(loader),
        })
    }

    /// Returns whether the files differ from their appearance before they were last read.
    pub(super) fn has_changed(&self, seen: &Seen) -> bool {
        self.watched().is_some_and(|watched| watched.read != *seen)
    }

    /// Returns the paths of the files. May block.
    pub(super) fn watched_paths(&self) -> WatchedPaths {
        match &self.serving {
            Serving::Pages(loader, _) => loader.watched_paths(),
            Serving::Texts(loader, _) => loader.watched_paths(),
        }
    }

    fn watched(&self) -> Option<MutexGuard<'_, Watched>> {
        let watched = self.watched.as_ref()?;
        Some(watched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn failed(error: &JoinError) -> Problems {
    Problem::new(format!("the files cannot be loaded: {error}")).into()
}
