use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::MultipartError;

/// The parsed headers of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content_type: Option<String>,
}

impl Head {
    /// Parses the headers, one per line.
    pub(super) fn parse(head: &[u8]) -> Result<Head, MultipartError> {
        let head = str::from_utf8(head).map_err(|_| MultipartError::Head("they are not UTF-8"))?;
        let headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
        let (mut disposition, mut content_type) = (None, None);
        for (name, value) in headers {
            if name.trim().eq_ignore_ascii_case("content-disposition") {
                disposition.get_or_insert(value.trim());
            } else if name.trim().eq_ignore_ascii_case("content-type") {
                content_type.get_or_insert(value.trim());
            }
        }
        let disposition = disposition.and_then(|value| value.split_once(';'));
        let (_, parameters) = disposition
            .filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"))
            .ok_or(MultipartError::Head("there is no `Content-Disposition: form-data; name=…`"))?;
        Ok(Head {
            name: parameter(parameters, "name")
                .ok_or(MultipartError::Head("the field has no name"))?,
            file_name: extended(parameters, "filename*")
                .or_else(|| parameter(parameters, "filename")),
            content_type: content_type.map(str::to_owned),
        })
    }
}

/// Returns the boundary in a media type, if it is valid (RFC 2046, section 5.1.1).
pub(super) fn boundary_of(content_type: &str) -> Option<String> {
    let (_, parameters) = content_type.split_once(';')?;
    parameter(parameters, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// Returns the value of a parameter in `a=b; c="d"`. Browsers write quotes and line breaks in names as `%22` and so on
/// (WHATWG HTML), other clients with a backslash.
fn parameter(rest: &str, wanted: &str) -> Option<String> {
    let value = written(rest, wanted)?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

/// Returns the value of a parameter with a charset (RFC 8187): `UTF-8''na%C3%AFve.png`. RFC 7578 does not permit it,
/// but some clients send it. A value that cannot be decoded is ignored.
fn extended(rest: &str, wanted: &str) -> Option<String> {
    let value = written(rest, wanted)?;
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let bytes = percent_decode_str(encoded);
    if charset.eq_ignore_ascii_case("utf-8") {
        return bytes.decode_utf8().ok().map(Cow::into_owned);
    }
    charset.eq_ignore_ascii_case("iso-8859-1").then(|| bytes.map(char::from).collect())
}

/// Returns the value of a parameter without its quotes and without further decoding.
fn written(mut rest: &str, wanted: &str) -> Option<String> {
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        if name.trim_matches([' ', '\t', ';']).eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// Splits at the closing quote: the unescaped text, and the rest after the quote.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = quoted.char_indices().peekable();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[index + 1..])),
            '\\' if letters.peek().is_some_and(|(_, next)| *next == '"') => {
                letters.next();
                value.push('"');
            }
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Head {
        Head::parse(head.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_unquoted_as_browsers_and_curl_write_them() {
        let head =
            parse("Content-Disposition: form-data; filename=\"a;b=\\\"c\\\"\"; name=\"x%22y\"");
        assert_eq!(head.name, "x\"y");
        assert_eq!(head.file_name.as_deref(), Some("a;b=\"c\""));
        let head = parse("CONTENT-DISPOSITION: form-data; name=título; filename=\"C:\\x\"");
        assert_eq!((&*head.name, head.file_name.as_deref()), ("título", Some("C:\\x")));
    }

    #[test]
    fn a_file_name_may_name_its_charset() {
        let name = |parameters: &str| {
            let head = format!("Content-Disposition: form-data; name=a; {parameters}");
            parse(&head).file_name
        };
        let both = "filename=\"na_ve.png\"; filename*=UTF-8''na%C3%AFve%22.png";
        assert_eq!(name(both).as_deref(), Some("naïve\".png"));
        assert_eq!(name("filename*=\"utf-8'en'a%20b\"").as_deref(), Some("a b"));
        assert_eq!(name("filename*=iso-8859-1''%E4").as_deref(), Some("ä"));
        for wrong in ["filename*=utf-8''%ff", "filename*=utf-8", "filename*=x''a", "filename*="] {
            assert_eq!(name(&format!("{wrong}; filename=b")).as_deref(), Some("b"), "{wrong}");
        }
    }

    #[test]
    fn a_field_without_a_name_is_refused() {
        for head in ["", "Content-Type: a/b", "Content-Disposition: form-data; filename=\"x\""] {
            assert!(Head::parse(head.as_bytes()).is_err(), "{head}");
        }
        assert!(Head::parse(b"Content-Disposition: form-data; name=\"open").is_err());
        assert!(Head::parse(b"\xff").is_err());
    }

    #[test]
    fn a_boundary_has_1_to_70_characters() {
        let with =
            |boundary: &str| boundary_of(&format!("multipart/form-data;Boundary={boundary}"));
        assert_eq!(with("abc").as_deref(), Some("abc"));
        assert_eq!(with("\"a b\"").as_deref(), Some("a b"));
        assert_eq!(with(""), None);
        assert_eq!(with(&"x".repeat(71)), None);
        assert_eq!(boundary_of("multipart/form-data"), None);
    }
}
