use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::errors::{Errors, FormError};
use super::field::FormField;
use super::filled::FilledForm;
use super::input_type::InputType;
use super::spec::FormSpec;
use super::{FormData, file_rules, rules, syntax};
use crate::extract::{DecodeError, FormFile, SentFields, decode_field};

/// The submitted fields of a form, which `#[derive(Form)]` reads one after the other.
#[derive(Debug)]
pub struct Reader {
    spec: &'static FormSpec,
    texts: HashMap<String, Vec<String>>,
    files: HashMap<String, Vec<FormFile>>,
    too_large: Vec<String>,
    /// The index of the first field of the current group.
    first: usize,
    /// The entered values of each field.
    values: Vec<Vec<String>>,
    errors: Errors,
    /// The error for a field whose type can never be read from text: a mistake of the site.
    fault: Option<DecodeError>,
}

impl Reader {
    pub(super) fn new(spec: &'static FormSpec, sent: SentFields) -> Reader {
        let (mut texts, mut files) = (HashMap::new(), HashMap::new());
        for (name, text) in sent.texts {
            let values: &mut Vec<String> = texts.entry(name.into_owned()).or_default();
            values.push(text.into_owned());
        }
        for (name, file) in sent.files {
            let values: &mut Vec<FormFile> = files.entry(name).or_default();
            values.push(file);
        }
        Reader {
            spec,
            texts,
            files,
            too_large: sent.too_large,
            first: 0,
            values: vec![Vec::new(); spec.fields.len()],
            errors: Errors::new(spec),
            fault: None,
        }
    }

    /// Returns the form with the entered values and the errors.
    pub(super) fn finish(self) -> Result<FilledForm, DecodeError> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(FilledForm::new(self.spec, self.values, self.errors)),
        }
    }

    /// Reads the group whose first field has this index, if all its fields are valid.
    #[doc(hidden)]
    pub fn group<T: FormData>(&mut self, place: usize) -> Option<T> {
        self.first += place;
        let group = T::read(self);
        self.first -= place;
        group
    }

    /// Reads the value of the field with this index, if it is valid.
    #[doc(hidden)]
    pub fn value<T: DeserializeOwned>(&mut self, place: usize) -> Option<T> {
        let place = self.first + place;
        let field = self.spec.fields.get(place)?;
        let entered = self.texts.remove(field.name).unwrap_or_default();
        let mut texts: Vec<String> =
            entered.into_iter().map(|text| syntax::sanitised(field, text)).collect();
        if field.is_multiple {
            texts.retain(|text| !text.is_empty());
        }
        let value = self.checked(field, place, &texts);
        if field.input_type.is_kept()
            && let Some(values) = self.values.get_mut(place)
        {
            *values = texts;
        }
        value
    }

    fn checked<T: DeserializeOwned>(
        &mut self,
        field: &FormField,
        place: usize,
        texts: &[String],
    ) -> Option<T> {
        let input_type = field.input_type;
        let is_box = input_type == InputType::Checkbox && !field.is_multiple;
        let is_empty = texts.iter().all(|text| text.is_empty() || is_box && text == "false");
        let before = self.errors.len();
        if is_empty && field.is_required {
            self.errors.add_at(place, FormError::ValueMissing { input_type });
        } else if texts.len() > 1 && !field.is_multiple {
            self.errors.add_at(place, FormError::BadInput { input_type });
        } else if !is_empty && !is_box {
            for text in texts {
                rules::check(field, place, text, &mut self.errors);
                // The errors of one value are enough for the visitor.
                if self.errors.len() > before {
                    break;
                }
            }
        }
        if self.errors.len() > before {
            return None;
        }
        let texts: Vec<&str> = match texts {
            _ if is_box && is_empty => vec!["false"],
            [] if !field.is_multiple => vec![""],
            texts => texts.iter().map(String::as_str).collect(),
        };
        let decoded =
            decode_field(field.name, &texts).or_else(|error| match whole(field, &texts) {
                Some(whole) => decode_field(field.name, &[&whole]),
                None => Err(error),
            });
        match decoded {
            Ok(value) => Some(value),
            Err(error) if error.is_of_the_site() => {
                self.fault.get_or_insert(error);
                None
            }
            Err(_) => {
                self.errors.add_at(place, FormError::BadInput { input_type });
                None
            }
        }
    }

    /// Reads the file of a field that requires one.
    #[doc(hidden)]
    pub fn file(&mut self, place: usize) -> Option<FormFile> {
        self.optional_file(place).flatten()
    }

    /// Reads the optional file of a field.
    #[doc(hidden)]
    pub fn optional_file(&mut self, place: usize) -> Option<Option<FormFile>> {
        let mut files = self.files(place)?;
        if files.len() > 1 {
            self.errors
                .add_at(self.first + place, FormError::BadInput { input_type: InputType::File });
            return None;
        }
        Some(files.pop())
    }

    /// Reads the files of a field.
    #[doc(hidden)]
    pub fn files(&mut self, place: usize) -> Option<Vec<FormFile>> {
        let place = self.first + place;
        let field = self.spec.fields.get(place)?;
        let files = self.files.remove(field.name).unwrap_or_default();
        let before = self.errors.len();
        if self.too_large.iter().any(|name| name == field.name) {
            let max = field.max_size.unwrap_or_default();
            self.errors.add_at(place, FormError::FileTooLarge { max });
        } else if files.is_empty() && field.is_required {
            self.errors.add_at(place, FormError::ValueMissing { input_type: InputType::File });
        }
        for file in &files {
            if self.errors.len() == before {
                file_rules::check(field, place, file, &mut self.errors);
            }
        }
        (self.errors.len() == before).then_some(files)
    }
}

/// Converts a whole number in a notation that browsers allow and integer types do not: `2e1` or `2.0`.
fn whole(field: &FormField, texts: &[&str]) -> Option<String> {
    const MOST: f64 = (1u64 << 53) as f64;
    let is_number = matches!(field.input_type, InputType::Number | InputType::Range);
    let [text] = texts else { return None };
    let number = syntax::number(text).filter(|number| is_number && number.abs() < MOST)?;
    (number.fract() == 0.0).then(|| (number as i64).to_string())
}
