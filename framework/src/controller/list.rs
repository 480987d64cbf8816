use std::future::Future;
use std::sync::Arc;

use super::step::{AnyAfter, AnyBefore, Step};
use super::{After, Before, Next, Registration};
use crate::reply::IntoReply;
use crate::request::Request;

/// A list of controllers.
#[derive(Debug, Clone, Default)]
#[must_use = "controllers answer nothing unless they are registered"]
pub struct Controllers(Vec<Registration>);

/// Lists functions with `#[controller]` for the site to register, as [`Controllers`].
///
/// ```
/// use headwater::prelude::*;
///
/// mod stories {
///     use headwater::prelude::*;
///
///     #[controller("stories.show")]
///     pub async fn show(Path(slug): Path<String>) -> String {
///         slug
///     }
/// }
///
/// #[controller("about")]
/// async fn about() -> &'static str {
///     "A site about rain."
/// }
///
/// let controllers = controllers![stories::show, about];
/// let names: Vec<&str> = controllers.iter().map(Registration::name).collect();
/// assert_eq!(names, ["stories.show", "about"]);
/// // Several of one module, as with `use`. Such a list must not contain other forms.
/// assert_eq!(controllers![stories::{show}].iter().count(), 1);
/// ```
#[macro_export]
macro_rules! controllers {
    ($($module:ident::{$($name:ident),+ $(,)?}),+ $(,)?) => {
        $crate::controllers![$($($module::$name),+),+]
    };
    ($($controller:path),* $(,)?) => {
        <$crate::controller::Controllers as ::core::iter::FromIterator<
            $crate::controller::Registration,
        >>::from_iter([
            $(<$controller as $crate::controller::Controller>::registration()),*
        ])
    };
}

impl Controllers {
    /// Creates an empty list.
    pub fn new() -> Controllers {
        Controllers::default()
    }

    /// Adds a controller.
    pub fn with(mut self, registration: Registration) -> Controllers {
        self.0.push(registration);
        self
    }

    /// Adds a step before every controller of the list, which runs before its existing steps.
    pub fn before<M: 'static, B: Before<M>>(self, step: B) -> Controllers {
        let step: Arc<dyn AnyBefore> = Arc::new(Step::new(step));
        let before = |mut registration: Registration| {
            registration.before.insert(0, step.clone());
            registration.needs(B::NEEDS)
        };
        self.into_iter().map(before).collect()
    }

    /// Adds a step after every controller of the list, which runs after its existing steps.
    pub fn after<M: 'static>(mut self, step: impl After<M>) -> Controllers {
        let step: Arc<dyn AnyAfter> = Arc::new(Step::new(step));
        for registration in &mut self.0 {
            registration.after.push(step.clone());
        }
        self
    }

    /// Puts a function around every controller of the list, as [`Registration::wrap`].
    pub fn wrap<F, Running>(self, wrapper: F) -> Controllers
    where
        F: Fn(Request, Next) -> Running + Clone + Send + Sync + 'static,
        Running: Future<Output: IntoReply> + Send + 'static,
    {
        self.into_iter().map(|registration| registration.wrap(wrapper.clone())).collect()
    }

    /// Returns the controllers in the order of the list.
    pub fn iter(&self) -> std::slice::Iter<'_, Registration> {
        self.0.iter()
    }
}

impl FromIterator<Registration> for Controllers {
    fn from_iter<I: IntoIterator<Item = Registration>>(registrations: I) -> Controllers {
        Controllers(registrations.into_iter().collect())
    }
}

impl Extend<Registration> for Controllers {
    fn extend<I: IntoIterator<Item = Registration>>(&mut self, registrations: I) {
        self.0.extend(registrations);
    }
}

impl IntoIterator for Controllers {
    type Item = Registration;
    type IntoIter = std::vec::IntoIter<Registration>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Controllers {
    type Item = &'a Registration;
    type IntoIter = std::slice::Iter<'a, Registration>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
