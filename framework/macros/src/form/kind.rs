/// The type of an HTML input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The name in HTML.
    pub(super) html: &'static str,
    /// The variant of `InputType`.
    pub(super) variant: &'static str,
}

const KINDS: [Kind; 20] = [
    Kind { html: "text", variant: "Text" },
    Kind { html: "textarea", variant: "Textarea" },
    Kind { html: "search", variant: "Search" },
    Kind { html: "tel", variant: "Tel" },
    Kind { html: "url", variant: "Url" },
    Kind { html: "email", variant: "Email" },
    Kind { html: "password", variant: "Password" },
    Kind { html: "number", variant: "Number" },
    Kind { html: "range", variant: "Range" },
    Kind { html: "date", variant: "Date" },
    Kind { html: "time", variant: "Time" },
    Kind { html: "datetime-local", variant: "DatetimeLocal" },
    Kind { html: "month", variant: "Month" },
    Kind { html: "week", variant: "Week" },
    Kind { html: "color", variant: "Color" },
    Kind { html: "hidden", variant: "Hidden" },
    Kind { html: "select", variant: "Select" },
    Kind { html: "radio", variant: "Radio" },
    Kind { html: "checkbox", variant: "Checkbox" },
    Kind { html: "file", variant: "File" },
];

impl Kind {
    pub(super) fn named(html: &str) -> Option<Kind> {
        KINDS.into_iter().find(|kind| kind.html == html)
    }

    /// Returns the names of all types for a message.
    pub(super) fn names() -> String {
        KINDS.map(|kind| format!("`{}`", kind.html)).join(", ")
    }

    fn is_one_of(self, names: &[&str]) -> bool {
        names.contains(&self.html)
    }

    pub(super) fn is_file(self) -> bool {
        self.html == "file"
    }

    /// Returns whether the form shows the submitted value again.
    pub(super) fn is_kept(self) -> bool {
        !self.is_one_of(&["file", "password"])
    }

    /// Returns whether its value is a text of one line.
    pub(super) fn is_line(self) -> bool {
        self.is_one_of(&["text", "search", "tel", "url", "email", "password"])
    }

    pub(super) fn is_text(self) -> bool {
        self.is_line() || self.html == "textarea"
    }

    pub(super) fn is_number(self) -> bool {
        self.is_one_of(&["number", "range"])
    }

    pub(super) fn is_date(self) -> bool {
        self.is_one_of(&["date", "time", "datetime-local", "month", "week"])
    }

    /// Returns whether its values are whole days, weeks or months.
    pub(super) fn is_whole(self) -> bool {
        self.is_one_of(&["date", "month", "week"])
    }

    /// Returns whether the field can have options.
    pub(super) fn has_options(self) -> bool {
        self.is_one_of(&["select", "radio", "checkbox"])
    }

    /// Returns an example value as written in an attribute. All values have digits where it has
    /// digits.
    pub(super) fn example(self) -> &'static str {
        match self.html {
            "date" => "2026-03-01",
            "time" => "09:30",
            "datetime-local" => "2026-03-01T09:30",
            "month" => "2026-03",
            "week" => "2026-W10",
            _ => "18",
        }
    }
}
