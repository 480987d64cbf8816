use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequestParts, Need};
use crate::log::Receipt;
use crate::request::RequestParts;
use crate::request::Site;
use crate::state::{State, States, Store, WriteError};

/// One of the site's states: to be read, and to be changed by updates.
///
/// ```
/// # use headwater::prelude::*;
/// # #[derive(Clone, Default)]
/// # struct Counter(u64);
/// # impl State for Counter {
/// #     type Update = u64;
/// #     type Output = u64;
/// #     fn apply(&mut self, step: u64, _at: At) -> u64 { self.0 += step; self.0 }
/// # }
/// #[controller("count")]
/// async fn count(counter: Data<Counter>) -> Result<Reply> {
///     let before = counter.query(|counter| counter.0);
///     let after = counter.update(1).await?;
///     Ok(text(format!("{before} → {after}")))
/// }
/// ```
pub struct Data<S> {
    store: Arc<Store<S>>,
    site: Arc<Site>,
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

impl<S: State> Data<S> {
    /// Data of its own in this process, for the tests of controllers: updates are applied at once
    /// and kept nowhere.
    pub fn in_memory() -> Data<S> {
        let mut states = States::new();
        let added = states.register::<S>();
        let store = added.expect("the first state of a site has no namesake");
        Data { store, site: Arc::new(Site::in_memory(states)) }
    }

    /// The data of the state `S` of a site: for code that runs outside a request, such as tests.
    ///
    /// # Errors
    /// When the site does not have the state.
    pub fn of(site: &Arc<Site>) -> Result<Data<S>, NoSuchState> {
        match site.states.get::<S>() {
            Some(store) => Ok(Data { store, site: site.clone() }),
            None => Err(NoSuchState { type_name: type_name::<S>() }),
        }
    }

    /// The value as it is now. It stays as it is while the site goes on.
    pub fn snapshot(&self) -> Arc<S> {
        self.store.snapshot()
    }

    /// What `look` sees in the value as it is now.
    pub fn query<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        self.store.query(look)
    }

    /// Changes the value. When this returns, the update is durable and applied, and no front end
    /// serves what it made wrong.
    ///
    /// # Errors
    /// When the update was not written; the value is then as it was.
    pub async fn update(&self, update: S::Update) -> Result<S::Output, WriteError> {
        Ok(self.update_with_receipt(update).await?.0)
    }

    /// Changes the value, as [`update`](Data::update), and gives the receipt too.
    ///
    /// # Errors
    /// As [`update`](Data::update).
    pub async fn update_with_receipt(
        &self,
        update: S::Update,
    ) -> Result<(S::Output, Receipt), WriteError> {
        self.store.update(&*self.site.journal, update).await
    }
}

impl<S> Clone for Data<S> {
    fn clone(&self) -> Data<S> {
        Data { store: self.store.clone(), site: self.site.clone() }
    }
}

impl<S> fmt::Debug for Data<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data<{}>", type_name::<S>())
    }
}

impl<S: State> FromRequestParts for Data<S> {
    type Rejection = NoSuchState;
    const NEEDS: &'static [Need] = &[Need::state::<S>()];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Data<S>, NoSuchState> {
        Data::of(&parts.site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;
    use crate::state::{At, States};

    #[derive(Clone, Default)]
    struct Counter(u64);

    impl State for Counter {
        type Update = u64;
        type Output = u64;

        fn apply(&mut self, step: u64, _at: At) -> u64 {
            self.0 += step;
            self.0
        }
    }

    #[tokio::test]
    async fn data_is_read_and_updated() {
        let mut states = States::new();
        states.add::<Counter>().unwrap();
        let site = Arc::new(Site::in_memory(states));
        let mut parts = Request::builder().site(site).build().unwrap().parts;
        let counter = Data::<Counter>::from_request_parts(&mut parts).await.unwrap();
        assert_eq!(counter.update(2).await, Ok(2));
        let (output, receipt) = counter.update_with_receipt(3).await.unwrap();
        assert_eq!((output, receipt.position.0), (5, 2));
        assert_eq!(counter.query(|counter| counter.0), 5);
        assert_eq!(counter.snapshot().0, 5);
    }

    #[tokio::test]
    async fn a_state_that_is_not_registered_is_named() {
        let mut parts = Request::builder().build().unwrap().parts;
        let rejection = Data::<Counter>::from_request_parts(&mut parts).await.unwrap_err();
        assert!(rejection.to_string().contains("::Counter>"), "{rejection}");
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
