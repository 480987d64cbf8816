//! The functions `url_for(name="story", slug=story.slug)`, `asset(path="site.css")` and `alternates()`.

use std::sync::Arc;

use serde::Serialize;
use tera::{Error, Kwargs, Number, State, Tera, TeraResult, Value};

use super::fragments;
use crate::catalogues::Catalogues;

/// Makes the URL of a route from its name and parameters, or returns an error message.
///
/// The parameters are sorted by name, so that the URL is the same on every node.
pub(super) type UrlFor =
    Arc<dyn Fn(&str, Vec<(String, String)>) -> Result<String, String> + Send + Sync>;

/// Makes the URL of a file in the docroot from its path, or returns an error message.
pub(crate) type AssetUrl = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// A template function of the site.
pub(crate) type SiteFunction =
    Arc<dyn Fn(Kwargs, &RenderedPage<'_>) -> TeraResult<Value> + Send + Sync>;

/// The page, as a template function of the site sees it. It contains no data that a controller has read, so a
/// fragment does not depend on more than the values that it names. It is the same for every call in the page, and a
/// template variable called `variant` does not change it.
#[derive(Debug)]
pub struct RenderedPage<'a> {
    variant: &'a str,
}

impl<'a> RenderedPage<'a> {
    /// Returns the name of the page's variant, as given by the site's variant function; empty if there is none.
    pub fn variant(&self) -> &'a str {
        self.variant
    }
}

pub(super) fn register_one(tera: &mut Tera, name: String, function: SiteFunction) {
    tera.register_function(name, move |arguments: Kwargs, _: &State<'_>| {
        let variant = fragments::variant()?;
        function(arguments, &RenderedPage { variant: variant.as_deref().unwrap_or_default() })
    });
}

pub(super) fn register(tera: &mut Tera, url_for: UrlFor, asset: AssetUrl) {
    tera.register_function("url_for", move |arguments: Kwargs, _: &State<'_>| {
        let name = arguments.must_get::<&str>("name")?;
        url_for(name, parameters(&arguments)?).map_err(Error::message)
    });
    tera.register_function("asset", move |arguments: Kwargs, _: &State<'_>| {
        asset(arguments.must_get::<&str>("path")?).map_err(Error::message)
    });
}

/// The page in one of the site's languages.
#[derive(Serialize)]
struct Alternate<'a> {
    lang: &'a str,
    path: String,
    current: bool,
}

/// Adds `alternates()`, which lists the page's addresses in the site's languages, if its path contains the language.
pub(super) fn register_alternates(tera: &mut Tera, catalogues: Arc<Catalogues>) {
    tera.register_function("alternates", move |_: Kwargs, _: &State<'_>| {
        let request = fragments::request()?;
        let current = request.lang.as_deref();
        let alternates = catalogues.languages().filter_map(|lang| {
            let path = request.path_in(lang)?;
            Some(Alternate { lang, path, current: current == Some(lang) })
        });
        Value::try_from_serializable(&alternates.collect::<Vec<_>>())
    });
}

fn parameters(arguments: &Kwargs) -> TeraResult<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    for (name, value) in arguments.iter() {
        let name = name.to_string();
        if name != "name" {
            let value = parameter(&name, value)?;
            parameters.push((name, value));
        }
    }
    parameters.sort();
    Ok(parameters)
}

fn parameter(name: &str, value: &Value) -> TeraResult<String> {
    // Formatted as extractors parse it: Tera would write a whole float as `1.0`.
    if let Some(Number::Float(float)) = value.as_number() {
        return Ok((float + 0.0).to_string());
    }
    if value.is_string() || value.is_number() || value.is_bool() {
        return Ok(value.to_string());
    }
    Err(Error::message(format!(
        "the parameter `{name}` of url_for must be a string, a number or a bool, but it is {}",
        value.name()
    )))
}
