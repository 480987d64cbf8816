//! Parses the values of inputs as browsers do (WHATWG HTML, "Common microsyntaxes" and "The input element"); dates
//! and times are in `moment`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::field::FormField;
use super::input_type::InputType;

/// Sanitises an entered value like a browser before it counts or sends it (the value sanitisation of the standard).
/// Additionally trims it, except in passwords and if the field keeps space.
pub(super) fn sanitised(field: &FormField, entered: String) -> String {
    let lines = match field.input_type {
        InputType::Hidden | InputType::Select | InputType::Radio | InputType::Checkbox => {
            return entered;
        }
        InputType::Textarea => one_kind_of_line_break(&entered),
        _ if entered.contains(['\r', '\n']) => entered.replace(['\r', '\n'], "").into(),
        _ => Cow::Borrowed(&*entered),
    };
    if field.keeps_space || field.input_type == InputType::Password {
        return lines.into_owned();
    }
    lines.trim().to_owned()
}

/// Replaces the line breaks `\r\n` of a submission by `\n`, as browsers count them.
fn one_kind_of_line_break(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return text.into();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").into()
}

/// Returns the length as browsers count it, in UTF-16 code units.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Returns whether a text is a valid e-mail address of the standard, which is a willful violation of RFC 5322.
pub(super) fn is_email(text: &str) -> bool {
    const LABEL: &str = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let local = r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+";
        Regex::new(&format!(r"\A{local}@{LABEL}(?:\.{LABEL})*\z")).ok()
    });
    ADDRESS.as_ref().is_some_and(|address| address.is_match(text))
}

/// Returns whether a text is a web address. Browsers accept any absolute URL, even `javascript:`, but sites make
/// links of them.
pub(super) fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return false;
    }
    let wrong = |letter: char| {
        letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (host, ""),
    };
    let is_port = port.is_empty()
        || (port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok());
    let is_host = match host.strip_prefix('[') {
        Some(literal) => literal
            .strip_suffix(']')
            .is_some_and(|literal| literal.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !host.is_empty() && !host.contains(['[', ']', ':', '%']),
    };
    !text.contains(wrong) && is_host && is_port
}

/// Parses a valid floating-point number: no `+` before it, no space, no `inf`.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_one = (digits(whole) || (whole.is_empty() && fraction.is_some()))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|it| digits(it.strip_prefix(['-', '+']).unwrap_or(it)));
    text.parse().ok().filter(|number: &f64| is_one && number.is_finite())
}

/// Returns whether a text is a colour, as `#a0b1c2`.
pub(super) fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#');
    digits.is_some_and(|it| it.len() == 6 && it.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_those_that_browsers_accept() {
        for right in ["a@b", "ana.moreau+news@example.org", "!#$%&'*+/=?^_`{|}~-@x-1.example"] {
            assert!(is_email(right), "{right}");
        }
        let long = format!("a@{}.org", "x".repeat(64));
        for wrong in
            ["", "a", "@b", "a@", "a b@c", "a@-b", "a@b-", "a@b..c", "a@b@c", "a@b\n", &long]
        {
            assert!(!is_email(wrong), "{wrong}");
        }
    }

    #[test]
    fn web_addresses_have_a_web_scheme_and_a_host() {
        for right in [
            "https://example.org",
            "HTTP://ana@example.org:8080/a?b#c",
            "https://löß.example/ö",
            "http://[::1]:80/",
        ] {
            assert!(is_web_address(right), "{right}");
        }
        for wrong in [
            "javascript:alert(1)",
            "example.org",
            "https://",
            "https:///a",
            "https://a b",
            "ftp://a",
            "https://a:99999",
            "https://a:b",
            "https://[x]",
            "https://a\"b",
            "https://a/\u{0}",
        ] {
            assert!(!is_web_address(wrong), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_the_format_of_browsers() {
        for (text, value) in
            [("5", 5.0), ("-0.5", -0.5), (".5", 0.5), ("1e3", 1000.0), ("1E-1", 0.1)]
        {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for wrong in
            ["", "+5", " 5", "5.", ".", "-", "inf", "NaN", "1e", "1e999", "0x1", "1_0", "1e+-2"]
        {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
