use std::any::{Any, type_name};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::field::FieldKind;
use super::kind::kind_of;
use super::saved::{self, SavedField};
use super::states::Application;
use super::store::decode;
use super::{At, Store, Updates, encoding};
use crate::log::{ApplyError, StateUpdate, UpdateOutcome, panic_message};

/// A store of any state.
pub(super) trait Updatable: Any + Send + Sync {
    fn update_from_log(&self, update: &StateUpdate, at: At) -> Result<Application, ApplyError>;
    fn kind(&self, update: &StateUpdate) -> Option<u64>;
    fn publish_from_log(&self);
    fn encode_output(&self, output: &dyn Any) -> Option<Vec<u8>>;
    fn decode_output(&self, encoded: &[u8]) -> Option<Box<dyn Any + Send>>;
    fn schema(&self) -> String;
    fn kinds(&self) -> Vec<(&'static str, FieldKind)>;
    fn save(&self) -> Vec<SavedField>;
    fn reset(&self);
    fn load(&self, field: &str, version: u32, item: &[u8]) -> Result<(), String>;
    fn loaded(&self) -> Result<(), String>;
    fn fields(&self) -> Vec<&'static str>;
    fn hashes(&self) -> Vec<Option<u128>>;
    fn rehash(&self);
    fn is_stable(&self, place: usize) -> bool;
    fn forget_hash(&self, place: usize);
}

impl<S: Updates> Updatable for Store<S> {
    fn publish_from_log(&self) {
        self.publish();
    }

    fn kinds(&self) -> Vec<(&'static str, FieldKind)> {
        Store::kinds(self)
    }

    fn kind(&self, update: &StateUpdate) -> Option<u64> {
        if update.version > S::UPDATE_VERSION {
            return None;
        }
        let kind = catch_unwind(|| {
            let decoded = decode::<S>(update.version, &update.update).ok()?;
            Some(kind_of(S::NAME, &decoded))
        });
        kind.ok()?
    }

    fn encode_output(&self, output: &dyn Any) -> Option<Vec<u8>> {
        let output = output.downcast_ref::<Result<S::Output, S::Refusal>>()?.as_ref().ok()?;
        // The update is applied already, so a `Serialize` that panics counts as one that fails.
        catch_unwind(AssertUnwindSafe(|| encoding::encode(output))).ok()?.ok()
    }

    fn decode_output(&self, encoded: &[u8]) -> Option<Box<dyn Any + Send>> {
        let output = catch_unwind(|| encoding::decode::<S::Output>(encoded)).ok()?.ok()?;
        Some(Box::new(Ok::<S::Output, S::Refusal>(output)))
    }

    fn save(&self) -> Vec<SavedField> {
        saved::save(&*self.current(), &Store::hashes(self))
    }

    fn reset(&self) {
        self.restore(|value| *value = S::default());
        self.rehash();
    }

    fn load(&self, field: &str, version: u32, item: &[u8]) -> Result<(), String> {
        self.restore(|value| saved::load(value, field, version, item))
    }

    fn fields(&self) -> Vec<&'static str> {
        S::FIELDS.iter().map(|(field, _)| *field).collect()
    }

    fn hashes(&self) -> Vec<Option<u128>> {
        Store::hashes(self)
    }

    fn rehash(&self) {
        Store::rehash(self);
    }

    fn is_stable(&self, place: usize) -> bool {
        Store::is_stable(self, place)
    }

    fn forget_hash(&self, place: usize) {
        Store::forget_hash(self, place);
    }

    fn loaded(&self) -> Result<(), String> {
        self.restore(saved::loaded)
    }

    fn schema(&self) -> String {
        let fields = S::FIELDS.iter().map(|(name, schema)| format!("{name} {}", schema()));
        format!("{} {}\n{}", S::VERSION, S::UPDATE_VERSION, fields.collect::<Vec<_>>().join("\n"))
    }

    fn update_from_log(&self, update: &StateUpdate, at: At) -> Result<Application, ApplyError> {
        if update.version > S::UPDATE_VERSION {
            return Err(ApplyError::Unreadable {
                message: format!(
                    "the update of the state \"{}\" at position {} was written by a later version of the site: it is \
                     of version {}, and this program reads updates up to version {}. Start a version of the site whose \
                     `UPDATE_VERSION` is {} or more",
                    S::NAME,
                    at.position,
                    update.version,
                    S::UPDATE_VERSION,
                    update.version,
                ),
            });
        }
        let decoded = catch_unwind(|| decode::<S>(update.version, &update.update))
            .unwrap_or_else(|panic| Err(format!("decoding panicked: {}", panic_message(&*panic))));
        let decoded = decoded.map_err(|reason| ApplyError::Unreadable {
            message: format!(
                "the update of the state \"{}\" at position {} cannot be decoded as `{}`: {reason}. \
                 The type has changed since the record was written: give new fields `#[serde(default)]`, \
                 renamed ones `#[serde(alias = \"…\")]`, and keep the variants that were written. Or a later version \
                 of the site has written it: start that one",
                S::NAME,
                at.position,
                type_name::<S::Update>(),
            ),
        })?;
        let (output, invalidation) = self.apply(decoded, update, at)?;
        let outcome = match &output {
            Ok(_) => UpdateOutcome::Made,
            Err(_) => UpdateOutcome::Refused,
        };
        Ok((outcome(Box::new(output)), invalidation))
    }
}
