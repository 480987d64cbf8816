use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::trial::Trial;
use super::working::Working;
use super::{At, Journal, State, WriteError};
use crate::log::{ApplyError, Draft, Receipt, StateUpdate};

/// The present value of one of the site's states.
///
/// Reading takes no lock. Stores are made by [`States::add`](super::States::add) only, because an
/// update without a store of the site that can apply it must not get into the log.
pub(crate) struct Store<S> {
    current: ArcSwap<S>,
    applying: Mutex<Applying<S>>,
}

/// What is applied and not published yet.
struct Applying<S> {
    working: Option<Working<S>>,
    /// How many bytes of updates were published.
    published: usize,
}

impl<S: State> Store<S> {
    pub(super) fn new() -> Store<S> {
        let applying = Mutex::new(Applying { working: None, published: 0 });
        Store { current: ArcSwap::from_pointee(S::default()), applying }
    }

    /// The value as it is now. It stays as it is while the store goes on.
    pub(crate) fn snapshot(&self) -> Arc<S> {
        self.current.load_full()
    }

    /// What `look` sees in the value as it is now.
    pub(crate) fn query<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.snapshot())
    }

    /// The draft of an update, with what the update [invalidates](State::invalidates).
    ///
    /// # Errors
    ///
    /// [`WriteError::Encoding`] when the update's type cannot be encoded, or not so that it can be
    /// decoded again.
    pub(crate) fn draft(&self, update: &S::Update) -> Result<Draft, WriteError> {
        let update_bytes = encode::<S>(update)?;
        Ok(Draft {
            update: Some(StateUpdate { state: S::NAME.to_owned(), update: update_bytes }),
            invalidation: S::invalidates(update),
            ..Draft::default()
        })
    }

    /// Writes an update and waits until it is durable, applied, and no front end serves what it
    /// invalidated. What the state's `apply` returned comes back with the receipt.
    ///
    /// Dropping the future does not undo the update.
    ///
    /// # Errors
    ///
    /// As the journal's [`write`](Journal::write) and [`draft`](Store::draft).
    pub(crate) async fn update(
        &self,
        journal: &dyn Journal,
        update: S::Update,
    ) -> Result<(S::Output, Receipt), WriteError> {
        let draft = self.draft(&update)?;
        drop(update);
        let written = journal.write(draft).await?;
        let output = written
            .output
            .and_then(|output| output.downcast::<S::Output>().ok())
            .expect("a journal returns what the state of the draft's update returned");
        Ok((*output, written.receipt))
    }

    /// The drafts of first updates of a new site, after they were tried.
    ///
    /// # Errors
    /// As [`draft`](Store::draft), and when one of them panics in `apply`.
    pub(crate) fn first_drafts(
        &self,
        updates: Vec<S::Update>,
        trial: &mut Trial,
    ) -> Result<Vec<Draft>, WriteError> {
        let drafts = updates.iter().map(|update| self.draft(update)).collect();
        updates.into_iter().try_for_each(|update| trial.apply::<S>(update))?;
        drafts
    }

    /// Applies the next update, which is `bytes` when encoded. Readers see it once it is
    /// [published](Store::publish).
    ///
    /// # Errors
    /// When it panics. The value stays as it was.
    pub(super) fn apply(
        &self,
        update: S::Update,
        bytes: &Bytes,
        at: At,
    ) -> Result<S::Output, ApplyError> {
        let mut applying = self.applying();
        let working = applying.working.take();
        let mut working = working.unwrap_or_else(|| Working::new(&self.current.load()));
        let applied = working.apply(update, bytes, at);
        if applied.is_err() {
            applying.published += working.bytes();
            self.current.store(Arc::new(working.anew(&self.current.load())));
        } else if working.is_long(applying.published + working.bytes()) {
            applying.publish(&self.current, working);
        } else {
            applying.working = Some(working);
        }
        applied
    }

    /// Lets readers see what was applied.
    pub(super) fn publish(&self) {
        let mut applying = self.applying();
        if let Some(working) = applying.working.take() {
            applying.publish(&self.current, working);
        }
    }

    fn applying(&self) -> MutexGuard<'_, Applying<S>> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: State> Applying<S> {
    fn publish(&mut self, current: &ArcSwap<S>, working: Working<S>) {
        self.published += working.bytes();
        current.store(Arc::new(working.into_value()));
    }
}

/// Encodes an update and makes sure that it can be read again: what cannot would stop every later
/// start of the site.
fn encode<S: State>(update: &S::Update) -> Result<Bytes, WriteError> {
    let refused = |reason| WriteError::Encoding { state: S::NAME.to_owned(), reason };
    let bytes = postcard::to_stdvec(update).map_err(|error| refused(error.to_string()))?;
    decode::<S>(&bytes).map_err(refused)?;
    Ok(Bytes::from(bytes))
}

/// Decodes an update, all of `bytes`.
pub(super) fn decode<S: State>(bytes: &[u8]) -> Result<S::Update, String> {
    match postcard::take_from_bytes::<S::Update>(bytes) {
        Ok((update, [])) => Ok(update),
        Ok((_, rest)) => Err(format!("{} bytes are left over after decoding", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::log::{Invalidation, LogId, Position, Record};
    use crate::state::{At, States, Written};

    #[derive(Clone, Default)]
    struct Words(Vec<String>);

    #[derive(Serialize, Deserialize)]
    struct Word {
        word: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    impl State for Words {
        type Update = Word;
        type Output = usize;

        fn apply(&mut self, Word { word, .. }: Word, _: At) -> usize {
            self.0.push(word);
            self.0.len()
        }

        fn invalidates(_: &Word) -> Invalidation {
            Invalidation::new().group("words")
        }
    }

    /// Applies what is written, at position 3.
    struct Applying(States);

    impl Journal for Applying {
        fn write(
            &self,
            content: Draft,
        ) -> Pin<Box<dyn Future<Output = Result<Written, WriteError>> + Send + '_>> {
            Box::pin(async {
                let position = Position(3);
                let output = self.0.apply(&Record { position, time: 0, content })?;
                self.0.publish();
                let receipt = Receipt { log: LogId(1), position, acknowledgements: vec![] };
                Ok(Written { receipt, output })
            })
        }
    }

    fn word(word: &str, note: Option<&str>) -> Word {
        Word { word: word.to_owned(), note: note.map(str::to_owned) }
    }

    #[tokio::test]
    async fn an_update_comes_back_with_output_and_receipt() {
        let mut states = States::new();
        let store = states.register::<Words>().unwrap();
        let journal = Applying(states);
        let (count, receipt) = store.update(&journal, word("yes", Some("no"))).await.unwrap();
        assert_eq!((count, receipt.position), (1, Position(3)));
        assert_eq!(store.query(|words| words.0.clone()), ["yes"]);
    }

    #[test]
    fn a_draft_carries_what_the_update_invalidates() {
        let draft = Store::<Words>::new().draft(&word("yes", Some("no"))).unwrap();
        assert_eq!(draft.invalidation, Invalidation::new().group("words"));
        assert_eq!(draft.update.unwrap().state, "state");
    }

    #[test]
    fn an_update_that_could_not_be_read_again_is_not_written() {
        let error = Store::<Words>::new().draft(&word("yes", None)).unwrap_err();
        assert!(matches!(error, WriteError::Encoding { .. }), "{error}");
    }
}
