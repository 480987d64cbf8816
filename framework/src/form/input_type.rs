/// The type of an input, as in HTML, where `select` and `textarea` are separate elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named as in HTML")]
pub enum InputType {
    Text,
    Textarea,
    Search,
    Tel,
    Url,
    Email,
    Password,
    Number,
    Range,
    Date,
    Time,
    DatetimeLocal,
    Month,
    Week,
    Color,
    Hidden,
    Select,
    Radio,
    Checkbox,
    File,
}

impl InputType {
    /// Returns the name in HTML.
    pub fn name(self) -> &'static str {
        match self {
            InputType::Text => "text",
            InputType::Textarea => "textarea",
            InputType::Search => "search",
            InputType::Tel => "tel",
            InputType::Url => "url",
            InputType::Email => "email",
            InputType::Password => "password",
            InputType::Number => "number",
            InputType::Range => "range",
            InputType::Date => "date",
            InputType::Time => "time",
            InputType::DatetimeLocal => "datetime-local",
            InputType::Month => "month",
            InputType::Week => "week",
            InputType::Color => "color",
            InputType::Hidden => "hidden",
            InputType::Select => "select",
            InputType::Radio => "radio",
            InputType::Checkbox => "checkbox",
            InputType::File => "file",
        }
    }

    /// Returns whether a page shows the entered value again.
    pub(super) fn is_kept(self) -> bool {
        !matches!(self, InputType::Password | InputType::File)
    }
}
