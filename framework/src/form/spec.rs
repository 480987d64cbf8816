use std::borrow::Cow;

use super::field::FormField;
use super::steps;

/// The fields of a form, as declared by its struct.
#[derive(Debug)]
pub struct FormSpec {
    /// The prefix of its fields' ids; may be empty.
    pub(super) id: &'static str,
    pub(super) fields: Cow<'static, [FormField]>,
}

impl FormSpec {
    #[doc(hidden)]
    pub const fn new(id: &'static str, fields: &'static [FormField]) -> FormSpec {
        FormSpec { id, fields: Cow::Borrowed(fields) }
    }

    /// Makes the specification of a form with groups, whose fields are in several pieces.
    #[doc(hidden)]
    pub fn of_pieces(id: &'static str, pieces: &[&[FormField]]) -> FormSpec {
        FormSpec { id, fields: Cow::Owned(pieces.concat()) }
    }

    /// Returns all fields, in their order.
    #[doc(hidden)]
    pub fn fields(&self) -> &[FormField] {
        &self.fields
    }

    /// Returns the index of the field with this name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    pub(super) fn field(&self, name: &str) -> Option<&FormField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns an error in the declaration that the compiler does not detect.
    pub(super) fn wrong(&self) -> Option<String> {
        let is_known = |place: usize, name| self.fields[..place].iter().any(|it| it.name == name);
        self.fields.iter().enumerate().find_map(|(place, field)| {
            if is_known(place, field.name) {
                return Some(format!("two fields of a form have the name `{}`", field.name));
            }
            for (word, bound) in [("min", field.min), ("max", field.max)] {
                let bound = bound.filter(|it| steps::number_of(field.input_type, it).is_none());
                if let Some(bound) = bound {
                    let (name, kind) = (field.name, field.input_type.name());
                    return Some(format!(
                        "`{word}` of the form's field `{name}` is not a {kind}: {bound}"
                    ));
                }
            }
            let error = field.pattern?.compiled().err()?;
            Some(format!(
                "the pattern of the form's field `{}` cannot be used: {error}",
                field.name
            ))
        })
    }
}
