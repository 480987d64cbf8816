use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::contract::DEFAULT_NAME;
use super::field::{FieldKind, Groups, Reading};
use super::identity::Identity;
use super::origin::Origin;
use super::recorder::Recorder;
use super::rehearsal::rehearse;
use super::trial::Trial;
use super::{At, Journal, OldUpdate, Updates, WriteError, Written, encoding};
use crate::log::{
    ApplyError, Draft, Invalidation, Receipt, StateUpdate, UpdateOutcome, panic_message,
};

/// The present value of one of the site's states.
///
/// Reading takes no lock. Stores are made by [`States::add`](super::States::add) only, because no update may be
/// written to the log unless a store of the site can apply it.
pub(crate) struct Store<S> {
    current: ArcSwap<S>,
    /// The value with all updates that were applied, published or not.
    working: Mutex<Working<S>>,
    names: Vec<&'static str>,
}

/// The result of `apply`, and the invalidation that follows from the update.
pub(super) type Applied<S> =
    (Result<<S as Updates>::Output, <S as Updates>::Refusal>, Invalidation);

struct Working<S> {
    value: S,
    is_published: bool,
    /// The basis for rebuilding the value; `None` while a checkpoint is loaded.
    origin: Option<Origin<S>>,
    /// The hashes of the fields; `None` where the hash is not known.
    hashes: Vec<Option<u128>>,
}

impl<S: Updates> Store<S> {
    pub(super) fn new() -> Store<S> {
        let mut value = S::default();
        let hashes = hashes(&mut value);
        let current = Arc::new(value.clone());
        let origin = Some(Origin::new(Arc::clone(&current)));
        let names = S::FIELDS.iter().map(|(field, _)| full_name::<S>(field)).collect();
        let working = Mutex::new(Working { value, is_published: true, origin, hashes });
        Store { current: ArcSwap::new(current), working, names }
    }

    /// Returns a snapshot of the present value. The recorder, if any, records its reads.
    pub(crate) fn view(&self, recorder: Option<&Arc<Recorder>>) -> S::View {
        self.current.load().view(&Reading { recorder, names: &self.names })
    }

    /// Returns the kinds of the fields, by the names with which their groups begin.
    pub(super) fn kinds(&self) -> Vec<(&'static str, FieldKind)> {
        let mut kinds = Vec::with_capacity(self.names.len());
        let mut working = self.lock();
        working.value.each_field(&mut |place, field| kinds.push((self.names[place], field.kind())));
        kinds
    }

    /// Makes the draft of an update.
    ///
    /// # Errors
    ///
    /// [`WriteError::Encoding`] when the update cannot be encoded, or its encoding cannot be decoded.
    pub(crate) fn draft(&self, update: &S::Update) -> Result<Draft, WriteError> {
        let state = S::NAME.to_owned();
        let version = S::UPDATE_VERSION;
        let (update, seed) = (encode::<S>(update)?, rand::random());
        let update = StateUpdate { state, version, update, seed, id: None };
        Ok(Draft { update: Some(update), ..Draft::default() })
    }

    /// Writes updates in one transaction and waits until they are durable and applied, and until no front end
    /// serves content that they invalidated. Returns the results of `apply` with the receipts.
    ///
    /// Dropping the future does not undo the updates.
    ///
    /// # Errors
    ///
    /// As the journal's [`write`](Journal::write), [`draft`](Store::draft) and [`rehearse`]. When `apply`
    /// panics on one of the updates, the others are applied.
    pub(crate) async fn update(
        &self,
        journal: &dyn Journal,
        updates: Vec<S::Update>,
    ) -> Result<Vec<(Result<S::Output, S::Refusal>, Receipt)>, WriteError> {
        let drafts: Vec<Draft> =
            updates.iter().map(|update| self.draft(update)).collect::<Result<_, _>>()?;
        if cfg!(debug_assertions) {
            let working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
            let value = working.value.clone();
            drop(working);
            rehearse(value, updates)?;
        }
        let written = journal.write(drafts).await?.into_iter();
        let outputs = written.map(|Written { receipt, applied }| {
            let outcome = applied?.expect("a journal returns what the draft's update returned");
            let (output, receipt) = match outcome {
                UpdateOutcome::Made(output) | UpdateOutcome::Refused(output) => (output, receipt),
                UpdateOutcome::Repeated { first, output } => {
                    (output, Receipt { position: first, ..receipt })
                }
                UpdateOutcome::Unrepeatable(reason) => return Err(reason.into()),
            };
            let output = output.downcast().expect("an update of a state returns its output");
            Ok((*output, receipt))
        });
        outputs.collect()
    }

    /// Tries first updates of a new site, and makes their drafts.
    ///
    /// # Errors
    /// As [`draft`](Store::draft), when `apply` refuses one of them, or panics, and when the result of one
    /// cannot be read back.
    pub(crate) fn first_drafts(
        &self,
        updates: Vec<S::Update>,
        trial: &mut Trial,
    ) -> Result<Vec<Draft>, WriteError> {
        let drafts: Vec<Draft> =
            updates.iter().map(|update| self.draft(update)).collect::<Result<_, _>>()?;
        let tried = drafts.iter().filter_map(|draft| draft.update.as_ref());
        let tried = tried.filter_map(|update| decode::<S>(update.version, &update.update).ok());
        rehearse(S::default(), tried.collect())?;
        let tried = updates.into_iter().zip(&drafts);
        tried.into_iter().try_for_each(|(update, draft)| trial.apply::<S>(update, draft))?;
        Ok(drafts)
    }

    /// Applies the next update. Readers see it after [`publish`](Store::publish).
    ///
    /// # Errors
    /// When the update panics. Then, and with a refusal, the value stays as it was.
    pub(super) fn apply(
        &self,
        update: S::Update,
        encoded: &StateUpdate,
        at: At,
    ) -> Result<Applied<S>, ApplyError> {
        let mut working = self.lock();
        let Working { value, is_published, origin, hashes } = &mut *working;
        origin.take_if(|origin| origin.is_behind());
        let origin = origin.get_or_insert_with(|| Origin::new(Arc::new(value.clone())));
        let made = (encoded.version, encoded.update.clone(), at.clone());
        let applied = apply(value, update, at, &self.names, hashes);
        match &applied {
            Ok((Ok(_), _)) => {
                *is_published = false;
                origin.follow(made);
            }
            Ok((Err(_), _)) => {}
            Err(_) if origin.is_of(value) => {}
            Err(_) => *value = origin.make(&self.names),
        }
        applied
    }

    /// Returns the published value.
    pub(super) fn current(&self) -> Arc<S> {
        self.current.load_full()
    }

    /// Changes the value while a checkpoint is loaded. Readers see it after [`publish`](Store::publish).
    pub(super) fn restore<R>(&self, change: impl FnOnce(&mut S) -> R) -> R {
        let mut working = self.lock();
        (working.is_published, working.origin) = (false, None);
        change(&mut working.value)
    }

    /// Publishes the applied updates to readers.
    pub(super) fn publish(&self) {
        let mut working = self.lock();
        if !working.is_published {
            let value = Arc::new(working.value.clone());
            working.origin = Some(Origin::new(Arc::clone(&value)));
            self.current.store(value);
            working.is_published = true;
        }
    }

    /// Returns the hashes of the fields, of the value with all applied updates.
    pub(super) fn hashes(&self) -> Vec<Option<u128>> {
        self.lock().hashes.clone()
    }

    /// Computes the hashes of the fields from their contents.
    pub(super) fn rehash(&self) {
        let mut working = self.lock();
        working.hashes = hashes(&mut working.value);
    }

    /// Returns whether everything in a field would have the same encoding after a restart.
    pub(super) fn is_stable(&self, place: usize) -> bool {
        let mut is_stable = false;
        self.lock().value.each_field(&mut |at, field| {
            if at == place {
                is_stable = field.is_stable();
            }
        });
        is_stable
    }

    /// Removes the hash of a field.
    pub(super) fn forget_hash(&self, place: usize) {
        self.lock().hashes[place] = None;
    }

    fn lock(&self) -> MutexGuard<'_, Working<S>> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hashes<S: Updates>(value: &mut S) -> Vec<Option<u128>> {
    let mut hashes = Vec::with_capacity(S::FIELDS.len());
    value.each_field(&mut |_, field| hashes.push(field.hash()));
    hashes
}

/// Applies an update to a value that no reader sees, and derives the invalidation that follows; `names` and
/// `hashes` are those of the fields.
///
/// After a refusal or a panic the value is as it was before, and nothing is invalidated. If the update has
/// assigned to a field, that counts as a panic, and the value must be rebuilt.
pub(super) fn apply<S: Updates>(
    value: &mut S,
    update: S::Update,
    mut at: At,
    names: &[&'static str],
    hashes: &mut [Option<u128>],
) -> Result<Applied<S>, ApplyError> {
    let (mut groups, fields) = (Groups::default(), identities(value));
    let mut differences = vec![0; names.len()];
    // Finding the changes runs the site's code too: a `Serialize` may panic.
    let applied = catch_unwind(AssertUnwindSafe(|| {
        let output = value.apply(update, &mut at);
        let replaced = fields.iter().zip(identities(value)).position(|(was, is)| *was != is);
        if let Some(place) = replaced {
            let (field, _) = S::FIELDS[place];
            panic!(
                "`apply` assigns another value to the field `{field}`, so the old one can neither be compared nor \
                 restored. Change it by its methods: `clear`, `insert` and the others of a \
                 `Table`, `set` of a `Value`, `*self.{field} = …` for a `Plain`"
            );
        }
        if output.is_ok() {
            value.each_field(&mut |place, field| {
                field.changes(names[place], &mut groups);
                differences[place] = std::mem::take(&mut groups.hash_difference);
            });
        }
        output
    }));
    let succeeded = matches!(applied, Ok(Ok(_)));
    value.each_field(&mut |_, field| match succeeded {
        true => field.keep(),
        false => field.undo(),
    });
    let output = applied
        .map_err(|panic| ApplyError::Panicked { message: panic_message(&*panic).to_owned() })?;
    if !succeeded {
        return Ok((output, Invalidation::new()));
    }
    for (hash, difference) in hashes.iter_mut().zip(differences) {
        *hash = hash.map(|hash| hash.wrapping_add(difference));
    }
    let mut invalidation = groups.into_invalidation();
    // Merging compares each name with all present ones: the names that `apply` gives are few, the derived ones
    // may be many.
    invalidation.merge(&at.into_invalidation());
    Ok((output, invalidation))
}

/// Returns the identities of a state's fields.
pub(super) fn identities<S: Updates>(value: &mut S) -> Vec<Identity> {
    let mut identities = Vec::with_capacity(S::FIELDS.len());
    value.each_field(&mut |_, field| identities.push(field.identity()));
    identities
}

/// Returns the name of a field in groups: `stories`, or `wiki.pages` in a state that declares a name.
fn full_name<S: Updates>(field: &'static str) -> &'static str {
    match S::NAME {
        DEFAULT_NAME => field,
        // The leak is bounded: each state of a site is registered once, and there is one site for each process
        // or test.
        state => String::leak(format!("{state}.{field}")),
    }
}

/// Encodes an update and checks that it can be decoded: otherwise it would prevent every later start of the
/// site.
fn encode<S: Updates>(update: &S::Update) -> Result<Bytes, WriteError> {
    let refused = |reason| WriteError::Encoding { state: S::NAME.to_owned(), reason };
    let bytes = encoding::encode(update).map_err(refused)?;
    encoding::decode::<S::Update>(&bytes).map_err(refused)?;
    Ok(Bytes::from(bytes))
}

/// Decodes an update of this version or of an earlier one.
pub(super) fn decode<S: Updates>(version: u32, bytes: &[u8]) -> Result<S::Update, String> {
    match version < S::UPDATE_VERSION {
        true => S::migrate(OldUpdate { version, bytes }),
        false => encoding::decode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::ready;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::log::{Invalidation, LogId, Position, Record};
    use crate::state::{Plain, State, States, Writing};

    #[derive(Clone, Default, State)]
    struct Words {
        words: Plain<Vec<String>>,
    }

    #[derive(Serialize, Deserialize)]
    struct Word {
        word: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<Note>,
    }

    /// It cannot be decoded from its encoding.
    #[derive(Deserialize)]
    struct Note(u64);

    impl Serialize for Note {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&self.0.to_string())
        }
    }

    impl Updates for Words {
        type Update = Word;
        type Output = usize;
        type Refusal = Infallible;

        fn apply(&mut self, Word { word, .. }: Word, at: &mut At) -> Result<usize, Infallible> {
            self.words.push(word);
            at.invalidate(Invalidation::new().group("words"));
            Ok(self.words.len())
        }
    }

    /// A journal that applies each draft at position 3.
    struct Applying(States);

    impl Journal for Applying {
        fn write(&self, drafts: Vec<Draft>) -> Writing<'_> {
            let written = drafts.into_iter().map(|content| {
                let position = Position(3);
                let applied = self.0.apply(&Record { position, time: 0, content });
                let applied = applied.map(|applied| applied.map(|(outcome, _)| outcome));
                let receipt = Receipt { log: LogId(1), position, acknowledgements: vec![] };
                Written { receipt, applied }
            });
            let written = written.collect();
            self.0.publish();
            Box::pin(ready(Ok(written)))
        }
    }

    fn word(note: Option<u64>) -> Word {
        Word { word: "yes".to_owned(), note: note.map(Note) }
    }

    #[tokio::test]
    async fn updates_return_output_and_receipt() {
        let mut states = States::new();
        let store = states.register::<Words>().unwrap();
        let journal = Applying(states);
        let written = store.update(&journal, vec![word(None), word(None)]).await.unwrap();
        let counts: Vec<_> = written.iter().map(|(count, _)| *count).collect();
        assert_eq!((counts, written[0].1.position), (vec![Ok(1), Ok(2)], Position(3)));
        assert_eq!(*store.view(None).words, ["yes", "yes"]);
    }

    /// A state whose first clone after the store is made panics.
    #[derive(Default, State)]
    struct Fragile {
        total: Plain<u64>,
    }

    thread_local! {
        static CLONES: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }

    impl Clone for Fragile {
        fn clone(&self) -> Fragile {
            let number = CLONES.replace(CLONES.get() + 1);
            assert!(number != 1, "the second clone");
            Fragile { total: self.total.clone() }
        }
    }

    impl Updates for Fragile {
        type Update = u64;
        type Output = ();
        type Refusal = Infallible;

        fn apply(&mut self, total: u64, _: &mut At) -> Result<(), Infallible> {
            *self.total = total;
            Ok(())
        }
    }

    #[test]
    fn a_failed_publication_is_made_up_by_the_next_one() {
        let mut states = States::new();
        let store = states.register::<Fragile>().unwrap();
        let content = store.draft(&7).unwrap();
        states.apply(&Record { position: Position(1), time: 0, content }).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| states.publish())).is_err());
        assert_eq!(*store.view(None).total, 0);
        states.publish();
        assert_eq!(*store.view(None).total, 7);
    }

    #[test]
    fn an_update_that_cannot_be_decoded_is_not_written() {
        let error = Store::<Words>::new().draft(&word(Some(7))).unwrap_err();
        assert!(matches!(error, WriteError::Encoding { .. }), "{error}");
    }
}
