# Texts of the components for forms and lists. A site overrides them with the same keys.

form-errors = Please have another look:
form-send = Send
pagination = Pages
pagination-previous = Previous
pagination-next = Next

# Errors of a field.

form-value-missing = { $type ->
    [checkbox] Please tick this.
    [radio] Please choose one of these.
    [select] Please choose one of these.
    [file] Please choose a file.
   *[other] Please fill in this field.
 }
form-type-mismatch = { $type ->
    [email] This is not an email address, such as ana@example.org.
    [url] This is not a web address, such as https://example.org.
    [file] A file of this type is not accepted here.
   *[other] This does not have the required format.
 }
form-pattern-mismatch = { $title ->
    [none] This does not have the required format.
   *[other] This does not have the required format: { $title }.
 }
form-too-long = Please use { $max } characters at most; there are { $length }.
form-too-short = Please use { $min } characters at least; there are { $length }.
form-range-underflow = This must be { $min } or more.
form-range-overflow = This must be { $max } or less.
form-outside-range = This must be { $min } or later, or { $max } or earlier.
form-step-mismatch = { $values ->
    [whole] This must be a whole number.
    [multiples] This must be a multiple of { $step }.
    [one] The nearest value that is possible here is { $below }.
   *[two] The nearest values that are possible here are { $below } and { $above }.
 }
form-bad-input = { $type ->
    [number] This is not a number that can be used here.
    [range] This is not a number that can be used here.
    [date] This is not a date.
    [time] This is not a time of day.
    [datetime-local] This is not a date with a time of day.
    [month] This is not a month.
    [week] This is not a week.
    [color] This is not a colour.
    [select] This is not one of the choices.
    [radio] This is not one of the choices.
    [checkbox] This is not one of the choices.
   *[other] This cannot be used here.
 }
form-file-too-large = Please choose a file of { $max } bytes at most.
