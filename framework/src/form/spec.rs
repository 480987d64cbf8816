use super::field::FormField;

/// The fields of a form, as its struct declares them.
#[derive(Debug)]
pub struct FormSpec {
    /// What the ids of its fields begin with; may be empty.
    pub(super) id: &'static str,
    pub(super) fields: &'static [FormField],
}

impl FormSpec {
    #[doc(hidden)]
    pub const fn new(id: &'static str, fields: &'static [FormField]) -> FormSpec {
        FormSpec { id, fields }
    }

    /// The place of the field with this name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    pub(super) fn field(&self, name: &str) -> Option<&'static FormField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What a site's author ought to change, though it compiles.
    pub(super) fn wrong(&self) -> Option<String> {
        self.fields.iter().find_map(|field| {
            let error = field.pattern?.compiled().err()?;
            Some(format!(
                "the pattern of the form's field `{}` cannot be used: {error}",
                field.name
            ))
        })
    }
}
