use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequestParts, Need};
use crate::log::{Draft, Receipt, Revocation, Revoked};
use crate::request::{NotInKey, RequestParts, SiteAccess};
use crate::session::revocation;
use crate::state::{Journal, States, Store, Updates, WriteError, Writing};

/// Read access to one of the site's states: it dereferences to the state's view, which is a snapshot.
///
/// On a cached route, each read adds the page to the groups of the data that it reads, so that the page is invalidated
/// as soon as the data change; see [`TableView`](crate::state::TableView). All reads must happen before the controller
/// returns.
///
/// ```
/// # use headwater::prelude::*;
/// # #[derive(Clone, Default, State)]
/// # struct Counter { total: Value<u64> }
/// # impl Updates for Counter {
/// #     type Update = u64;
/// #     type Output = ();
/// #     type Refusal = std::convert::Infallible;
/// #     fn apply(&mut self, step: u64, _: &mut At) -> Result<(), Self::Refusal> {
/// #         self.total.update(|total| *total += step);
/// #         Ok(())
/// #     }
/// # }
/// #[controller("count")]
/// async fn count(counter: Data<Counter>) -> Reply {
///     text(counter.total.to_string())
/// }
/// ```
pub struct Data<S: Updates> {
    view: S::View,
}

/// Read and write access to one of the site's states; updates change it. Not available on a cached route.
///
/// ```
/// # use headwater::prelude::*;
/// # #[derive(Clone, Default, State)]
/// # struct Counter { total: Value<u64> }
/// # impl Updates for Counter {
/// #     type Update = u64;
/// #     type Output = ();
/// #     type Refusal = std::convert::Infallible;
/// #     fn apply(&mut self, step: u64, _: &mut At) -> Result<(), Self::Refusal> {
/// #         self.total.update(|total| *total += step);
/// #         Ok(())
/// #     }
/// # }
/// #[controller("count.up")]
/// async fn count_up(mut counter: DataMut<Counter>) -> Result<Reply> {
///     let before = *counter.total;
///     counter.update(1).await??;
///     Ok(text(format!("{before} → {}", *counter.total)))
/// }
/// ```
pub struct DataMut<S: Updates> {
    view: S::View,
    store: Arc<Store<S>>,
    site: Arc<SiteAccess>,
}

/// Error of extracting [`DataMut`]: the site does not have the state, or the route is cached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataMutRejection {
    /// The site does not have the state.
    #[error(transparent)]
    NoSuchState(#[from] NoSuchState),
    /// The route is cached.
    #[error(transparent)]
    NotInKey(#[from] NotInKey),
}

impl Rejection for DataMutRejection {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

/// The site does not have the state that a controller takes: status 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the controller takes `Data<{type_name}>`, but the site has no such state: register it with \
     `App::new().state::<{type_name}>()`"
)]
pub struct NoSuchState {
    pub(super) type_name: &'static str,
}

impl Rejection for NoSuchState {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl<S: Updates> Data<S> {
    /// Returns the data of the state `S`, for code that has a request's [`site`](RequestParts::site) and takes no
    /// extractors, such as an after-step. Reads are recorded as with the extractor.
    ///
    /// # Errors
    /// Fails if the site does not have the state.
    pub fn of(site: &Arc<SiteAccess>) -> Result<Data<S>, NoSuchState> {
        Ok(Data { view: store::<S>(site)?.view(site.recorder.as_ref()) })
    }
}

impl<S: Updates> DataMut<S> {
    /// Creates data that exist only in this process, for tests of controllers: updates are applied at once and not
    /// stored.
    pub fn in_memory() -> DataMut<S> {
        let mut states = States::new();
        let added = states.register::<S>();
        let store = added.expect("the first state of a site has no namesake");
        let (view, site) = (store.view(None), Arc::new(SiteAccess::in_memory(states)));
        DataMut { view, store, site }
    }

    /// Returns the data of the state `S`, for code that has a request's [`site`](RequestParts::site) and takes no
    /// extractors.
    ///
    /// # Errors
    /// Fails if the site does not have the state, or the route is cached.
    pub fn of(site: &Arc<SiteAccess>) -> Result<DataMut<S>, DataMutRejection> {
        NotInKey::check_changes(&site.scope)?;
        let store = store::<S>(site)?;
        let view = store.view(site.recorder.as_ref());
        Ok(DataMut { view, store, site: Arc::clone(site) })
    }

    /// Returns read access to the same state.
    pub fn data(&self) -> Data<S> {
        Data { view: self.store.view(self.site.recorder.as_ref()) }
    }

    /// Changes the data. When this returns, the update is durable and applied, no front end serves a page that it made
    /// stale, and later reads through this value see it.
    ///
    /// The outer error is that of the log, the inner one the refusal of `apply`; `??` returns both.
    ///
    /// # Errors
    /// Fails if the update was not written; the data are then unchanged.
    pub async fn update(
        &mut self,
        update: S::Update,
    ) -> Result<Result<S::Output, S::Refusal>, WriteError> {
        Ok(self.update_with_receipt(update).await?.0)
    }

    /// Changes the data, as [`update`](DataMut::update), and also returns the receipt.
    ///
    /// # Errors
    /// As [`update`](DataMut::update).
    pub async fn update_with_receipt(
        &mut self,
        update: S::Update,
    ) -> Result<(Result<S::Output, S::Refusal>, Receipt), WriteError> {
        let mut written = self.write(vec![update], Vec::new()).await?;
        Ok(written.pop().expect("each update becomes a record"))
    }

    /// Changes the data, as [`update`](DataMut::update), and ends all existing sessions of a user, as
    /// [`revoke_user`](super::Cluster::revoke_user) does, in one record: either both happen or neither. So no session
    /// outlives the password that it began with, whatever fails. The sessions end even if `apply` refuses the update.
    ///
    /// # Errors
    /// As [`update`](DataMut::update). The sessions then remain valid, unless the error is [`WriteError::InDoubt`] or
    /// [`WriteError::Panicked`].
    pub async fn update_and_revoke_user(
        &mut self,
        update: S::Update,
        user: impl fmt::Display,
    ) -> Result<Result<S::Output, S::Refusal>, WriteError> {
        let revocations = vec![revocation(Revoked::User(user.to_string()))];
        let mut written = self.write(vec![update], revocations).await?;
        Ok(written.pop().expect("each update becomes a record").0)
    }

    /// Writes several updates together: either all of them become durable or none, and they are applied one after the
    /// other. `apply` may refuse each of them separately; if all must succeed or none, make them one update.
    ///
    /// # Errors
    /// As [`update`](DataMut::update). If `apply` panics on one of them, the others are still applied.
    pub async fn update_many(
        &mut self,
        updates: Vec<S::Update>,
    ) -> Result<Vec<Result<S::Output, S::Refusal>>, WriteError> {
        Ok(self.write(updates, Vec::new()).await?.into_iter().map(|(output, _)| output).collect())
    }

    /// Writes the updates. The record of the first one also contains the revocations.
    async fn write(
        &mut self,
        updates: Vec<S::Update>,
        revocations: Vec<Revocation>,
    ) -> Result<Vec<(Result<S::Output, S::Refusal>, Receipt)>, WriteError> {
        let journal = Revoking { journal: &*self.site.journal, revocations };
        let written = self.store.update(&journal, updates).await;
        if let Some(recorder) = &self.site.recorder {
            recorder.record_ungrouped();
        }
        self.view = self.store.view(self.site.recorder.as_ref());
        written
    }
}

/// A journal that adds revocations to the first record.
struct Revoking<'a> {
    journal: &'a dyn Journal,
    revocations: Vec<Revocation>,
}

impl Journal for Revoking<'_> {
    fn write(&self, mut drafts: Vec<Draft>) -> Writing<'_> {
        if let Some(first) = drafts.first_mut() {
            first.revocations.clone_from(&self.revocations);
        }
        self.journal.write(drafts)
    }
}

/// Returns the store of a state of the site.
fn store<S: Updates>(site: &SiteAccess) -> Result<Arc<Store<S>>, NoSuchState> {
    site.states.get::<S>().ok_or(NoSuchState { type_name: type_name::<S>() })
}

impl<S: Updates> Deref for Data<S> {
    type Target = S::View;

    fn deref(&self) -> &S::View {
        &self.view
    }
}

impl<S: Updates> Deref for DataMut<S> {
    type Target = S::View;

    fn deref(&self) -> &S::View {
        &self.view
    }
}

impl<S: Updates> Clone for Data<S> {
    fn clone(&self) -> Data<S> {
        Data { view: self.view.clone() }
    }
}

impl<S: Updates> Clone for DataMut<S> {
    fn clone(&self) -> DataMut<S> {
        let (view, store, site) = (self.view.clone(), self.store.clone(), self.site.clone());
        DataMut { view, store, site }
    }
}

impl<S: Updates> fmt::Debug for Data<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data<{}>", type_name::<S>())
    }
}

impl<S: Updates> fmt::Debug for DataMut<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataMut<{}>", type_name::<S>())
    }
}

impl<S: Updates> FromRequestParts for Data<S> {
    type Rejection = NoSuchState;
    const NEEDS: &'static [Need] = &[Need::state::<S>()];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Data<S>, NoSuchState> {
        Data::of(&parts.site)
    }
}

impl<S: Updates> FromRequestParts for DataMut<S> {
    type Rejection = DataMutRejection;
    const NEEDS: &'static [Need] = &[Need::state::<S>(), Need::Changes];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<DataMut<S>, DataMutRejection> {
        DataMut::of(&parts.site)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;
    use crate::state::{At, State, States, Value};

    #[derive(Clone, Default, State)]
    struct Counter {
        total: Value<u64>,
    }

    impl Updates for Counter {
        type Update = u64;
        type Output = u64;
        type Refusal = Infallible;

        fn apply(&mut self, step: u64, _: &mut At) -> Result<u64, Infallible> {
            self.total.update(|total| *total += step);
            Ok(*self.total.get())
        }
    }

    #[tokio::test]
    async fn data_is_read_and_updated() {
        let mut states = States::new();
        states.add::<Counter>().unwrap();
        let site = Arc::new(SiteAccess::in_memory(states));
        let mut parts = Request::builder().site(site).build().unwrap().parts;
        let before = Data::<Counter>::from_request_parts(&mut parts).await.unwrap();
        let mut counter = DataMut::<Counter>::from_request_parts(&mut parts).await.unwrap();
        assert_eq!(counter.update(2).await, Ok(Ok(2)));
        let (output, receipt) = counter.update_with_receipt(3).await.unwrap();
        assert_eq!((output, receipt.position.0), (Ok(5), 2));
        assert_eq!(counter.update_many(vec![1, 1]).await, Ok(vec![Ok(6), Ok(7)]));
        assert_eq!(*counter.total, 7);
        assert_eq!(*before.total, 0, "a snapshot does not change");
    }

    #[tokio::test]
    async fn a_state_that_is_not_registered_is_named() {
        let mut parts = Request::builder().build().unwrap().parts;
        let rejection = Data::<Counter>::from_request_parts(&mut parts).await.unwrap_err();
        assert!(rejection.to_string().contains("::Counter>"), "{rejection}");
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
