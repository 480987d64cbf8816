//! What a template may use.

use std::sync::Arc;

use serde::Serialize;
use tera::{Context, Value};

use super::marked::Marked;
use crate::catalogues::direction;
use crate::packed;
use crate::request_values::RequestValues;

/// Names and values for one render.
///
/// A controller's values come packed; what every page may use (the request's id, the language) is
/// then [`set`](Values::set) on top and wins over a value of the same name.
#[derive(Debug, Clone)]
pub struct Values {
    context: Arc<Context>,
    /// The bytes that the values have come in, if one of them has a mark.
    packed: Option<Arc<[u8]>>,
    /// The names that were set here, on top of what has come.
    set: Vec<String>,
    /// The name of the page's variant.
    variant: Option<Arc<str>>,
    /// What the page may show of its request.
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
    /// No values.
    pub fn new() -> Values {
        Values::default()
    }

    /// The fields of a struct, or the entries of a map.
    ///
    /// # Errors
    /// When `values` cannot be serialized, or are neither.
    pub fn of<T: Serialize + ?Sized>(values: &T) -> Result<Values, tera::Error> {
        Ok(Values::from(Context::from_serialize(values)?))
    }

    /// Values as they have come from a back end, read straight into the form that templates use.
    ///
    /// # Errors
    /// When `bytes` are not packed values.
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
        // Of two values under one name only the last is there, and marks of the first must not be its.
        let packed = (has_marks && !is_there_twice).then(|| Arc::from(bytes));
        Ok(Values { packed, ..Values::from(context) })
    }

    /// The same values, for a page that was made of what these groups stand for; `None` if something was
    /// read that no group is known of.
    pub(crate) fn recorded_as(self, recorded: Option<&[String]>) -> Values {
        let recorded =
            recorded.map(|groups| groups.iter().map(|group| Arc::from(group.as_str())).collect());
        Values { recorded, ..self }
    }

    /// The same values, for a page of this variant. Functions of the site see it, whatever the template calls
    /// `variant`.
    pub(crate) fn in_variant(self, variant: Option<&str>) -> Values {
        Values { variant: variant.map(Arc::from), ..self }
    }

    /// The same values, and what a page may show of its request: `lang`, `dir`, `scheme` and `path`, unless there are
    /// values with these names.
    ///
    /// # Errors
    /// When they cannot be set.
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

    /// What the page may show of its request.
    pub(super) fn request(&self) -> &RequestValues {
        &self.request
    }

    /// Sets one value.
    ///
    /// # Errors
    /// When `value` cannot be serialized.
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

    /// Sets one value, unless there is one of this name already.
    ///
    /// # Errors
    /// When `value` cannot be serialized.
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

    /// The name of the page's variant, if it has one.
    pub(super) fn variant(&self) -> Option<&Arc<str>> {
        self.variant.as_ref()
    }

    /// The groups of everything that the page was made of; `None` if they are not known.
    pub(super) fn recorded(&self) -> Option<&[Arc<str>]> {
        self.recorded.as_deref()
    }

    /// Whether this name was set here, so that its value is the same whatever is read.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.set.iter().any(|set| set == name)
    }

    /// Whether one of the values has a mark.
    pub(super) fn has_marks(&self) -> bool {
        self.packed.is_some()
    }

    /// What covers the values.
    pub(super) fn marked(&self) -> Marked {
        let marked =
            self.packed.as_ref().map(|packed| Marked::of(packed, &self.context, &self.set));
        // They were read before, so they can be read.
        marked.and_then(Result::ok).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_gives_way_to_what_is_there() {
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
    fn what_has_no_names_is_refused() {
        assert!(Values::of(&3).is_err());
    }
}
