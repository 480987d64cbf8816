//! The values that a template may use.

use std::sync::Arc;

use serde::Serialize;
use tera::{Context, Value};

use super::marked::Marked;
use crate::catalogues::direction;
use crate::packed;
use crate::request_values::RequestValues;

/// Names and values for one render.
///
/// A controller's values arrive packed; values that every page may use (the request's id, the language) are then
/// [`set`](Values::set) on top and override values of the same name.
#[derive(Debug, Clone)]
pub struct Values {
    context: Arc<Context>,
    /// The bytes that the values were read from, if one of them has a mark.
    packed: Option<Arc<[u8]>>,
    /// The names that were set afterwards.
    set: Vec<String>,
    /// The name of the page's variant.
    variant: Option<Arc<str>>,
    /// The request values that the page may show.
    request: RequestValues,
    recorded: Option<Arc<[Arc<str>]>>,
}

impl Default for Values {
    fn default() -> Values {
        Values::from(Context::new())
    }
}

impl From<Context> for Values {
    fn from(context: Context) -> Values {
        let recorded = Some(Arc::default());
        let (packed, set, variant) = (None, Vec::new(), None);
        let (context, request) = (Arc::new(context), RequestValues::default());
        Values { context, packed, set, variant, request, recorded }
    }
}

impl Values {
    /// Returns no values.
    pub fn new() -> Values {
        Values::default()
    }

    /// Makes values from the fields of a struct, or the entries of a map.
    ///
    /// # Errors
    /// Fails when `values` cannot be serialized, or are neither.
    pub fn of<T: Serialize + ?Sized>(values: &T) -> Result<Values, tera::Error> {
        Ok(Values::from(Context::from_serialize(values)?))
    }

    /// Reads packed values from a back end directly into the form that templates use.
    ///
    /// # Errors
    /// Fails when `bytes` are not packed values.
    pub fn from_packed(bytes: &[u8]) -> Result<Values, tera::Error> {
        let mut context = Context::new();
        let mut is_there_twice = false;
        let read = packed::read_noting_marks(bytes, |name, value| {
            is_there_twice |= context.contains_key(name);
            context.insert_value(name.to_owned(), Value::try_from_serializable(value)?);
            Ok(())
        });
        let has_marks =
            read.unwrap_or_else(|malformed| Err(tera::Error::message(malformed.to_string())))?;
        // Of two values with one name only the last is kept, and must not get the marks of the first.
        let packed = (has_marks && !is_there_twice).then(|| Arc::from(bytes));
        Ok(Values { packed, ..Values::from(context) })
    }

    /// Sets the groups of everything that the page was made of; `None` if something was read whose groups are
    /// unknown.
    pub(crate) fn recorded_as(self, recorded: Option<&[String]>) -> Values {
        let recorded =
            recorded.map(|groups| groups.iter().map(|group| Arc::from(group.as_str())).collect());
        Values { recorded, ..self }
    }

    /// Sets the page's variant. Functions of the site see it, even if a template variable is called `variant`.
    pub(crate) fn in_variant(self, variant: Option<&str>) -> Values {
        Values { variant: variant.map(Arc::from), ..self }
    }

    /// Sets the request values that a page may show: `lang`, `dir`, `scheme` and `path`, unless values with these
    /// names exist.
    ///
    /// # Errors
    /// Fails when they cannot be set.
    pub(crate) fn of_request(mut self, request: RequestValues) -> Result<Values, tera::Error> {
        if let Some(lang) = &request.lang {
            self.offer("lang", &**lang)?;
            self.offer("dir", direction(lang))?;
        }
        if let Some(scheme) = request.scheme {
            self.offer("scheme", scheme)?;
        }
        if let Some(path) = &request.path {
            self.offer("path", &**path)?;
        }
        Ok(Values { request, ..self })
    }

    /// Returns the request values that the page may show.
    pub(super) fn request(&self) -> &RequestValues {
        &self.request
    }

    /// Sets one value.
    ///
    /// # Errors
    /// Fails when `value` cannot be serialized.
    pub fn set<T: Serialize + ?Sized>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), tera::Error> {
        let name = name.into();
        let value = Value::try_from_serializable(value)?;
        self.set.push(name.clone());
        Arc::make_mut(&mut self.context).insert_value(name, value);
        Ok(())
    }

    /// Sets one value, unless one with this name exists.
    ///
    /// # Errors
    /// Fails when `value` cannot be serialized.
    pub fn offer<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), tera::Error> {
        if self.context.contains_key(name) { Ok(()) } else { self.set(name, value) }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the name of the page's variant, if it has one.
    pub(super) fn variant(&self) -> Option<&Arc<str>> {
        self.variant.as_ref()
    }

    /// Returns the groups of everything that the page was made of; `None` if they are unknown.
    pub(super) fn recorded(&self) -> Option<&[Arc<str>]> {
        self.recorded.as_deref()
    }

    /// Returns whether this name was set here, so that its value is independent of the data read.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.set.iter().any(|set| set == name)
    }

    /// Returns whether one of the values has a mark.
    pub(super) fn has_marks(&self) -> bool {
        self.packed.is_some()
    }

    /// Returns the marks that cover the values.
    pub(super) fn marked(&self) -> Marked {
        let marked =
            self.packed.as_ref().map(|packed| Marked::of(packed, &self.context, &self.set));
        // The bytes were parsed before, so they parse again.
        marked.and_then(Result::ok).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offered_value_does_not_replace_an_existing_one() {
        let mut values = Values::of(&serde_json::json!({"variant": "a size"})).unwrap();
        values.offer("variant", "de").unwrap();
        values.offer("other", "de").unwrap();
        let value = |name| values.context().get(name).map(ToString::to_string);
        assert_eq!(
            (value("variant").as_deref(), value("other").as_deref()),
            (Some("a size"), Some("de"))
        );
    }

    #[test]
    fn values_without_names_are_refused() {
        assert!(Values::of(&3).is_err());
    }
}
