use super::input_type::InputType;
use super::pattern::Pattern;

/// A field of a form, as declared by its struct.
#[derive(Debug, Clone, Copy)]
pub struct FormField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) input_type: InputType,
    pub(super) hint: Option<&'static str>,
    pub(super) is_required: bool,
    /// Whether it may have several values.
    pub(super) is_multiple: bool,
    /// Whether leading and trailing space is kept.
    pub(super) keeps_space: bool,
    pub(super) minlength: Option<usize>,
    pub(super) maxlength: Option<usize>,
    pub(super) min: Option<&'static str>,
    pub(super) max: Option<&'static str>,
    pub(super) step: Option<&'static str>,
    pub(super) pattern: Option<&'static Pattern>,
    pub(super) accept: Option<&'static str>,
    /// The size limit of a file, in bytes.
    pub(super) max_size: Option<u64>,
    /// The options: values and labels.
    pub(super) options: &'static [(&'static str, &'static str)],
    /// Attributes that are not rules.
    pub(super) plain: &'static [(&'static str, &'static str)],
}

macro_rules! words {
    ($($word:ident: $type:ty),+ $(,)?) => {
        $(
            #[doc(hidden)]
            pub const fn $word(self, $word: $type) -> FormField {
                FormField { $word: Some($word), ..self }
            }
        )+
    };
}

impl FormField {
    #[doc(hidden)]
    pub const fn new(name: &'static str, label: &'static str, input_type: InputType) -> FormField {
        FormField {
            name,
            label,
            input_type,
            hint: None,
            is_required: false,
            is_multiple: false,
            keeps_space: false,
            minlength: None,
            maxlength: None,
            min: None,
            max: None,
            step: None,
            pattern: None,
            accept: None,
            max_size: None,
            options: &[],
            plain: &[],
        }
    }

    words! {
        hint: &'static str,
        minlength: usize,
        maxlength: usize,
        min: &'static str,
        max: &'static str,
        step: &'static str,
        pattern: &'static Pattern,
        accept: &'static str,
        max_size: u64,
    }

    #[doc(hidden)]
    pub const fn required(self) -> FormField {
        FormField { is_required: true, ..self }
    }

    #[doc(hidden)]
    pub const fn multiple(self) -> FormField {
        FormField { is_multiple: true, ..self }
    }

    #[doc(hidden)]
    pub const fn keeping_space(self) -> FormField {
        FormField { keeps_space: true, ..self }
    }

    #[doc(hidden)]
    pub const fn options(self, options: &'static [(&'static str, &'static str)]) -> FormField {
        FormField { options, ..self }
    }

    #[doc(hidden)]
    pub const fn plain(self, plain: &'static [(&'static str, &'static str)]) -> FormField {
        FormField { plain, ..self }
    }

    /// Returns the name under which the field is sent.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the type of its input.
    pub fn input_type(&self) -> InputType {
        self.input_type
    }
}
