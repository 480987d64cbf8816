use std::collections::BTreeMap;

use serde::ser::{Error as _, SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::FormData;
use super::errors::{Errors, FormError};
use super::field::FormField;
use super::input_type::InputType;
use super::spec::FormSpec;
use super::steps;
use crate::cache_type::CacheType;
use crate::controller;
use crate::extract::texts_of;
use crate::reply::{IntoReply, Reply};

/// A form for its page: the attributes of each field, the entered values, and the errors.
///
/// Templates get it as `form`, and pass it to the components `<field>`, `<errors>` and `<submit>`:
///
/// ```
/// use headwater::prelude::*;
///
/// #[derive(Form)]
/// struct Subscription {
///     #[form(type = "email", required)]
///     email: String,
/// }
///
/// let page = template("subscribe.html").with("form", Subscription::empty_form());
/// # assert_eq!(page.status(), 200);
/// ```
#[derive(Debug, Clone)]
pub struct FilledForm {
    spec: &'static FormSpec,
    /// The values, by the index of the field.
    values: Vec<Vec<String>>,
    errors: Errors,
    /// The reason why a value cannot be shown.
    fault: Option<String>,
}

impl FilledForm {
    pub(super) fn new(
        spec: &'static FormSpec,
        values: Vec<Vec<String>>,
        errors: Errors,
    ) -> FilledForm {
        FilledForm { spec, values, errors, fault: None }
    }

    pub(super) fn empty(spec: &'static FormSpec) -> FilledForm {
        FilledForm::new(spec, vec![Vec::new(); spec.fields.len()], Errors::new(spec))
    }

    pub(super) fn of<T: FormData>(value: &T) -> FilledForm {
        let mut writer = Writer { form: FilledForm::empty(T::spec()), first: 0 };
        value.write(&mut writer);
        writer.form
    }

    /// Fills the form with the fields of `value` that have the same names.
    pub(super) fn of_fields<V: Serialize>(spec: &'static FormSpec, value: &V) -> FilledForm {
        let form = FilledForm::empty(spec);
        let fields = match serde_json::to_value(value) {
            Ok(serde_json::Value::Object(fields)) => fields,
            Ok(_) => return form.failing("only a struct has fields for a form".to_owned()),
            Err(error) => return form.failing(error.to_string()),
        };
        let mut writer = Writer { form, first: 0 };
        for (place, field) in spec.fields.iter().enumerate() {
            match fields.get(field.name).filter(|_| field.input_type.is_kept()) {
                Some(serde_json::Value::Array(many)) if !field.is_multiple => {
                    let texts: Vec<&str> = many.iter().filter_map(|text| text.as_str()).collect();
                    writer.value(place, &texts.join(", "));
                }
                Some(serde_json::Value::Null) | None => {}
                Some(value) => writer.value(place, value),
            }
        }
        writer.form
    }

    /// Returns the errors.
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// Adds an error of the field with this name, for a problem that only the site's data reveal, such as a name that
    /// is taken.
    #[must_use]
    pub fn with_error(mut self, field: &str, error: impl Into<FormError>) -> FilledForm {
        self.errors.add(field, error);
        self
    }

    /// Marks the form as impossible to show, for this reason.
    pub(super) fn failing(self, why: String) -> FilledForm {
        FilledForm { fault: Some(why), ..self }
    }

    pub(super) fn errors_mut(&mut self) -> &mut Errors {
        &mut self.errors
    }

    /// Refuses the form: returns the page that `page` makes of it, with status 422, which no cache stores. An error
    /// of `page`, such as a 404, is returned unchanged.
    pub fn refused<R: IntoReply>(self, page: impl FnOnce(FilledForm) -> R) -> controller::Error {
        let reply = page(self).into_reply();
        if !reply.status().is_success() {
            return reply.into();
        }
        let reply: Reply = reply.with_status(http::StatusCode::UNPROCESSABLE_ENTITY);
        reply.header(http::header::CACHE_CONTROL, "no-store").cache(CacheType::NoCache).into()
    }

    fn id_of(&self, field: &FormField) -> String {
        match self.spec.id {
            "" => field.name.to_owned(),
            id => format!("{id}-{}", field.name),
        }
    }
}

/// Receives the fields of a struct from `#[derive(Form)]`.
#[derive(Debug)]
pub struct Writer {
    form: FilledForm,
    /// The index of the first field of the current group.
    first: usize,
}

impl Writer {
    #[doc(hidden)]
    pub fn value<T: Serialize>(&mut self, place: usize, value: &T) {
        match (texts_of(value), self.form.values.get_mut(self.first + place)) {
            (Ok(texts), Some(values)) => *values = texts,
            (Err(error), _) => self.form.fault = Some(error.to_string()),
            (Ok(_), None) => {}
        }
    }

    /// Writes the group whose first field has this index.
    #[doc(hidden)]
    pub fn group<T: FormData>(&mut self, place: usize, group: &T) {
        self.first += place;
        group.write(self);
        self.first -= place;
    }
}

impl Serialize for FilledForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(fault) = &self.fault {
            return Err(S::Error::custom(fault));
        }
        let sorted = self.errors.sorted();
        let errors = sorted.into_iter().map(|(place, error)| {
            let field = place.and_then(|place| self.spec.fields.get(place));
            ShownError { form: self, field, error }
        });
        let has_files = self.spec.fields.iter().any(|it| it.input_type == InputType::File);
        let mut form = serializer.serialize_struct("FilledForm", 3)?;
        form.serialize_field("fields", &ShownFields(self))?;
        form.serialize_field("errors", &errors.collect::<Vec<_>>())?;
        let enctype =
            if has_files { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
        form.serialize_field("enctype", enctype)?;
        form.end()
    }
}

/// All fields by name, in their order.
struct ShownFields<'a>(&'a FilledForm);

impl Serialize for ShownFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = &*self.0.spec.fields;
        let mut shown = serializer.serialize_struct("Fields", fields.len())?;
        for (place, field) in fields.iter().enumerate() {
            shown.serialize_field(field.name, &ShownField { form: self.0, field, place })?;
        }
        shown.end()
    }
}

struct ShownField<'a> {
    form: &'a FilledForm,
    field: &'static FormField,
    place: usize,
}

#[derive(Serialize)]
struct ShownOption {
    value: &'static str,
    label: &'static str,
}

impl Serialize for ShownField<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ShownField { form, field, place } = self;
        let no_values = Vec::new();
        let values = form.values.get(*place).unwrap_or(&no_values);
        let value = values.first().map(String::as_str).unwrap_or_default();
        let options = field.options.iter().map(|(value, label)| ShownOption { value, label });
        let errors = form.errors.at(*place);
        let errors = errors.map(|error| ShownError { form, field: Some(field), error });
        let mut shown = serializer.serialize_struct("Field", 12)?;
        shown.serialize_field("name", field.name)?;
        shown.serialize_field("id", &form.id_of(field))?;
        shown.serialize_field("type", field.input_type.name())?;
        shown.serialize_field("label", field.label)?;
        shown.serialize_field("hint", &field.hint)?;
        shown.serialize_field("value", value)?;
        shown.serialize_field("values", values)?;
        shown.serialize_field("is_checked", &matches!(value, "on" | "true"))?;
        shown.serialize_field("is_multiple", &field.is_multiple)?;
        shown.serialize_field("options", &options.collect::<Vec<_>>())?;
        shown.serialize_field("attributes", &Attributes { field, value })?;
        shown.serialize_field("errors", &errors.collect::<Vec<_>>())?;
        shown.end()
    }
}

/// The attributes that declare rules to a browser, on a page with this value, and those that are passed on unchanged.
struct Attributes<'a> {
    field: &'static FormField,
    value: &'a str,
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = self.field;
        let mut attributes = serializer.serialize_map(None)?;
        // With `required`, a browser would require each of the boxes to be ticked.
        let is_group = field.input_type == InputType::Checkbox && field.is_multiple;
        if field.is_required && !is_group {
            attributes.serialize_entry("required", &true)?;
        }
        let has_multiple = matches!(field.input_type, InputType::Select | InputType::File);
        if field.is_multiple && has_multiple {
            attributes.serialize_entry("multiple", &true)?;
        }
        for (name, value) in [("minlength", field.minlength), ("maxlength", field.maxlength)] {
            if let Some(value) = value {
                attributes.serialize_entry(name, &value.to_string())?;
            }
        }
        let pattern = field.pattern.map(|pattern| pattern.html);
        for (name, value) in [
            ("min", field.min),
            ("max", field.max),
            ("step", steps::attribute(field, self.value)),
            ("pattern", pattern),
            ("accept", field.accept),
        ] {
            if let Some(value) = value {
                attributes.serialize_entry(name, value)?;
            }
        }
        for (name, value) in field.plain {
            attributes.serialize_entry(name, value)?;
        }
        attributes.end()
    }
}

/// An error with its field. Key and arguments are those of a [`Message`](crate::reply::Message).
struct ShownError<'a> {
    form: &'a FilledForm,
    field: Option<&'a FormField>,
    error: &'a FormError,
}

impl Serialize for ShownError<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ShownError { form, field, error } = self;
        let message = error.message();
        let arguments: BTreeMap<_, _> = message.arguments().collect();
        let mut shown = serializer.serialize_struct("Error", 6)?;
        shown.serialize_field("field", &field.map(|field| field.name))?;
        shown.serialize_field("id", &field.map(|field| form.id_of(field)))?;
        shown.serialize_field("label", &field.map(|field| field.label))?;
        shown.serialize_field("code", error.code())?;
        shown.serialize_field("key", message.key())?;
        shown.serialize_field("arguments", &arguments)?;
        shown.end()
    }
}
