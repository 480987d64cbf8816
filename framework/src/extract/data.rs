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

/// One of the site's states, to be read: it dereferences to the state's view, which is a snapshot.
///
/// On a route that caches, what is read puts the page into the groups of it, so that the page is invalid as soon as
/// another page would be made; see [`TableView`](crate::state::TableView). What is read has to be read before the
/// controller returns.
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

/// One of the site's states, to be read and to be changed by updates. Not on a route that caches.
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

/// A controller cannot change data: the site does not have the state, or the route caches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataMutRejection {
    /// The site does not have the state.
    #[error(transparent)]
    NoSuchState(#[from] NoSuchState),
    /// The route caches its answer.
    #[error(transparent)]
    NotInKey(#[from] NotInKey),
}

impl Rejection for DataMutRejection {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

/// A controller takes the data of a state that the site does not have: status 500.
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
    /// The data of the state `S`, for code that has a request's [`site`](RequestParts::site) and takes no extractors: an
    /// after-step, for example. What is read is recorded as with the extractor.
    ///
    /// # Errors
    /// When the site does not have the state.
    pub fn of(site: &Arc<SiteAccess>) -> Result<Data<S>, NoSuchState> {
        Ok(Data { view: store::<S>(site)?.view(site.recorder.as_ref()) })
    }
}

impl<S: Updates> DataMut<S> {
    /// Data of its own in this process, for the tests of controllers: updates are applied at once
    /// and kept nowhere.
    pub fn in_memory() -> DataMut<S> {
        let mut states = States::new();
        let added = states.register::<S>();
        let store = added.expect("the first state of a site has no namesake");
        let (view, site) = (store.view(None), Arc::new(SiteAccess::in_memory(states)));
        DataMut { view, store, site }
    }

    /// The data of the state `S`, for code that has a request's [`site`](RequestParts::site) and takes no extractors.
    ///
    /// # Errors
    /// When the site does not have the state, or the route caches.
    pub fn of(site: &Arc<SiteAccess>) -> Result<DataMut<S>, DataMutRejection> {
        NotInKey::check_changes(&site.scope)?;
        let store = store::<S>(site)?;
        let view = store.view(site.recorder.as_ref());
        Ok(DataMut { view, store, site: Arc::clone(site) })
    }

    /// The data for code that reads them only.
    pub fn data(&self) -> Data<S> {
        Data { view: self.store.view(self.site.recorder.as_ref()) }
    }

    /// Changes the data. When this returns, the update is durable and applied, no front end serves what it
    /// made wrong, and what is read here afterwards shows it.
    ///
    /// The outer error is that of the log, the inner one what `apply` refused the update with; `??` passes on either.
    ///
    /// # Errors
    /// When the update was not written; the data are then as they were.
    pub async fn update(
        &mut self,
        update: S::Update,
    ) -> Result<Result<S::Output, S::Refusal>, WriteError> {
        Ok(self.update_with_receipt(update).await?.0)
    }

    /// Changes the data, as [`update`](DataMut::update), and gives the receipt too.
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

    /// Changes the data, as [`update`](DataMut::update), and ends all sessions of a user that began before, as
    /// [`revoke_user`](super::Cluster::revoke_user) does, in one record: neither comes about without the other. So a session
    /// of a password that was replaced is over, whatever fails. An update that `apply` refuses ends them too.
    ///
    /// # Errors
    /// As [`update`](DataMut::update). Then the sessions go on, unless it is [`WriteError::InDoubt`] or
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

    /// Writes several updates together: all of them become durable, or none does, and they are applied one after the
    /// other. Each of them may be refused by itself; where all are to succeed or none, make them one update.
    ///
    /// # Errors
    /// As [`update`](DataMut::update). When `apply` panics on one of them, the others are applied.
    pub async fn update_many(
        &mut self,
        updates: Vec<S::Update>,
    ) -> Result<Vec<Result<S::Output, S::Refusal>>, WriteError> {
        Ok(self.write(updates, Vec::new()).await?.into_iter().map(|(output, _)| output).collect())
    }

    /// The record of the first update ends sessions.
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

/// A journal that has the first record end sessions, too.
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

/// The store of a state of the site.
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
        assert_eq!(*before.total, 0, "a snapshot stays as it is");
    }

    #[tokio::test]
    async fn a_state_that_is_not_registered_is_named() {
        let mut parts = Request::builder().build().unwrap().parts;
        let rejection = Data::<Counter>::from_request_parts(&mut parts).await.unwrap_err();
        assert!(rejection.to_string().contains("::Counter>"), "{rejection}");
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
