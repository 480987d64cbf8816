//! A site's first data.

use std::any::type_name;
use std::panic::Location;

use crate::log::Draft;
use crate::state::{States, Trial, Updates, WriteError};

/// Writes a site's first data.
pub(super) struct Seed {
    /// The type of the state that it fills.
    pub(super) state: &'static str,
    /// The place in the site's code that adds it.
    pub(super) location: &'static Location<'static>,
    pub(super) is_registered: fn(&States) -> bool,
    pub(super) drafts: Box<SeedDrafts>,
}

type SeedDrafts = dyn FnOnce(&States, &mut Trial) -> Result<Vec<Draft>, WriteError> + Send;

impl Seed {
    /// Fills the state `S` with these updates.
    pub(super) fn new<S: Updates>(
        updates: fn() -> Vec<S::Update>,
        location: &'static Location<'static>,
    ) -> Seed {
        Seed {
            state: type_name::<S>(),
            location,
            is_registered: |states| states.get::<S>().is_some(),
            drafts: Box::new(move |states, trial| {
                let store = states.get::<S>();
                store.map_or(Ok(Vec::new()), |store| store.first_drafts(updates(), trial))
            }),
        }
    }
}
