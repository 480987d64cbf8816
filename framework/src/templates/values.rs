//! What a template may use.

use serde::Serialize;
use tera::{Context, Value};

use crate::packed;

/// Names and values for one render.
///
/// A controller's values come packed; what every page may use (the request's id, the language) is
/// then [`set`](Values::set) on top and wins over a value of the same name.
#[derive(Debug, Clone, Default)]
pub struct Values(Context);

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
        Ok(Values(Context::from_serialize(values)?))
    }

    /// Values as they have come from a back end, read straight into the form that templates use.
    ///
    /// # Errors
    /// When `bytes` are not packed values.
    pub fn from_packed(bytes: &[u8]) -> Result<Values, tera::Error> {
        let mut context = Context::new();
        let read = packed::read(bytes, |name, value| {
            context.insert_value(name.to_owned(), Value::try_from_serializable(value)?);
            Ok(())
        });
        read.unwrap_or_else(|malformed| Err(tera::Error::message(malformed.to_string())))?;
        Ok(Values(context))
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
        self.0.insert_value(name.into(), Value::try_from_serializable(value)?);
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
        if self.0.contains_key(name) { Ok(()) } else { self.set(name, value) }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0
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
