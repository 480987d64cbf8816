use super::App;
use crate::config::Config;
use crate::controller::{Registration, language_controller};
use crate::form::FormData;
use crate::http::Languages;
use crate::reply::template;

impl App {
    /// Adds controllers, so that `dispatch.conf` can name them.
    pub fn controllers(mut self, controllers: impl IntoIterator<Item = Registration>) -> App {
        self.controllers.extend(controllers);
        self
    }

    /// Adds a controller that renders a template with an empty form, as `form`.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// #[derive(Form)]
    /// struct NewStory {
    ///     #[form(required, maxlength = 120)]
    ///     title: String,
    /// }
    ///
    /// let site = App::new().form_page::<NewStory>("stories.new", "stories/new.html");
    /// # let _ = site;
    /// ```
    #[track_caller]
    pub fn form_page<T: FormData>(mut self, name: &'static str, page: &'static str) -> App {
        let answer = move |_| async move { template(page).with("form", T::empty_form()) };
        self.controllers.push(Registration::new(name, answer).template(page).declared());
        self
    }

    /// Returns the site's controllers, and the built-in ones.
    pub(super) fn controllers_with(&self, config: &Config) -> Vec<Registration> {
        let languages = Languages::new(&config.languages);
        let language = config.language_cookie.clone();
        let language = language.map(|cookie| language_controller(languages, cookie));
        self.controllers.iter().cloned().chain(language).collect()
    }
}
