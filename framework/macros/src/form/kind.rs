/// The type of an input, as HTML has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// In HTML.
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

    /// The names of all, as a message lists them.
    pub(super) fn names() -> String {
        KINDS.map(|kind| format!("`{}`", kind.html)).join(", ")
    }

    fn is_one_of(self, names: &[&str]) -> bool {
        names.contains(&self.html)
    }

    pub(super) fn is_file(self) -> bool {
        self.html == "file"
    }

    /// Whether the form shows what was entered.
    pub(super) fn is_kept(self) -> bool {
        !self.is_one_of(&["file", "password"])
    }

    /// Whether its text has one line.
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

    /// Whether its values are whole days, weeks or months.
    pub(super) fn is_whole(self) -> bool {
        self.is_one_of(&["date", "month", "week"])
    }

    /// Whether one chooses among options.
    pub(super) fn has_options(self) -> bool {
        self.is_one_of(&["select", "radio", "checkbox"])
    }

    /// A value, as it stands in an attribute; its digits say which characters are digits.
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
