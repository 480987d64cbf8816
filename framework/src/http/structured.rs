//! Lists of Strings among structured fields (RFC 9651): what groups of cached content are named by
//! in the headers of RFC 9875.
//!
//! A field that is not exactly such a list is no list at all: RFC 9651, section 4.2, lets nobody
//! guess what was meant. Parameters are read and ignored, as RFC 9875 asks.

/// Why a field is not a List of Strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a list of quoted strings was expected, but byte {at} of the field is not part of one")]
pub struct NotStrings {
    /// How many bytes of the field's lines, joined with `, `, could be read.
    pub at: usize,
}

/// The members of a List of Strings whose field has these lines.
///
/// # Errors
/// When the lines, joined, are no list, or a member is not a String.
pub fn read_strings<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<String>, NotStrings> {
    let field = lines.into_iter().collect::<Vec<_>>().join(&b", "[..]);
    let mut reader = Reader { field: &field, at: 0 };
    let members = reader.list();
    members.ok_or(NotStrings { at: reader.at })
}

/// Adds `text` as a further member to the end of a List of Strings. `false` when it cannot be
/// written: a String holds printable ASCII only.
pub fn push_string(text: &str, list: &mut String) -> bool {
    if !text.bytes().all(is_in_string) {
        return false;
    }
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push('"');
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            list.push('\\');
        }
        list.push(char);
    }
    list.push('"');
    true
}

fn is_in_string(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Reads a field from left to right. What returns `None` has met something that is not allowed,
/// and `at` stands before it.
struct Reader<'a> {
    field: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.field.get(self.at).copied()
    }

    fn take(&mut self, wanted: impl FnOnce(u8) -> bool) -> Option<u8> {
        let byte = self.peek().filter(|byte| wanted(*byte))?;
        self.at += 1;
        Some(byte)
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.take(&wanted).is_some() {}
        self.at - start
    }

    /// RFC 9651, section 4.2.1, for members that are Strings.
    fn list(&mut self) -> Option<Vec<String>> {
        let mut members = Vec::new();
        self.take_while(|byte| byte == b' ');
        while self.peek().is_some() {
            members.push(self.string()?);
            self.parameters()?;
            self.take_while(is_blank);
            if self.peek().is_none() {
                break;
            }
            self.take(|byte| byte == b',')?;
            self.take_while(is_blank);
            // A comma is followed by a member.
            self.peek()?;
        }
        Some(members)
    }

    /// Section 4.2.5.
    fn string(&mut self) -> Option<String> {
        self.take(|byte| byte == b'"')?;
        let mut text = String::new();
        loop {
            match self.take(is_in_string)? {
                b'"' => return Some(text),
                b'\\' => text.push(self.take(|byte| matches!(byte, b'"' | b'\\'))?.into()),
                byte => text.push(byte.into()),
            }
        }
    }

    /// Section 4.2.3.2.
    fn parameters(&mut self) -> Option<()> {
        while self.take(|byte| byte == b';').is_some() {
            self.take_while(|byte| byte == b' ');
            self.take(|byte| byte.is_ascii_lowercase() || byte == b'*')?;
            self.take_while(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
            });
            if self.take(|byte| byte == b'=').is_some() {
                self.bare_item()?;
            }
        }
        Some(())
    }

    /// Section 4.2.3.1. What it holds does not matter.
    fn bare_item(&mut self) -> Option<()> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b'"' => self.string().map(drop),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.take_while(is_in_token);
                Some(())
            }
            b':' => self.bytes(),
            b'?' => {
                self.at += 1;
                self.take(|byte| matches!(byte, b'0' | b'1')).map(drop)
            }
            b'@' => {
                self.at += 1;
                (self.number()? == Number::Integer).then_some(())
            }
            b'%' => self.display_string(),
            _ => None,
        }
    }

    /// Section 4.2.4.
    fn number(&mut self) -> Option<Number> {
        self.take(|byte| byte == b'-');
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        if self.peek() != Some(b'.') {
            return (1..=15).contains(&whole).then_some(Number::Integer);
        }
        self.at += 1;
        let fraction = self.take_while(|byte| byte.is_ascii_digit());
        let fits = (1..=12).contains(&whole) && (1..=3).contains(&fraction);
        fits.then_some(Number::Decimal)
    }

    /// Section 4.2.7.
    fn bytes(&mut self) -> Option<()> {
        self.take(|byte| byte == b':')?;
        self.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        self.take(|byte| byte == b':').map(drop)
    }

    /// Section 4.2.10, without a look at whether the decoded bytes are UTF-8.
    fn display_string(&mut self) -> Option<()> {
        self.take(|byte| byte == b'%')?;
        self.take(|byte| byte == b'"')?;
        loop {
            match self.take(is_in_string)? {
                b'"' => return Some(()),
                b'%' => {
                    for _ in 0..2 {
                        self.take(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))?;
                    }
                }
                _ => {}
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Number {
    Integer,
    Decimal,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(field: &str) -> Result<Vec<String>, NotStrings> {
        read_strings([field.as_bytes()])
    }

    #[test]
    fn strings_are_read_with_their_escapes() {
        assert_eq!(read(r#""a", "b c" ,	"d\"e\\" "#).unwrap(), ["a", "b c", "d\"e\\"]);
        assert_eq!(read_strings([&br#""a""#[..], &br#""b","c""#[..]]).unwrap(), ["a", "b", "c"]);
        assert_eq!(read("").unwrap(), [""; 0]);
        assert_eq!(read("  \"\"").unwrap(), [""]);
    }

    #[test]
    fn parameters_are_ignored() {
        let field = r#""a";x;y=1;z=-2.5, "b"; q="\",";*t=a/b:c;u=:aGk=:;v=?1;w=@-7;d=%"f%c3%bc""#;
        assert_eq!(read(field).unwrap(), ["a", "b"]);
    }

    #[test]
    fn what_is_no_list_of_strings_is_none() {
        for (field, at) in [
            ("a", 0),
            ("1", 0),
            (r#"("a")"#, 0),
            (r#""a""#.trim_end_matches('"'), 2),
            (r#""a","#, 4),
            (r#""a" "b""#, 4),
            (r#","a""#, 0),
            (r#""a", , "b""#, 5),
            (r#""a\n""#, 3),
            ("\"ü\"", 1),
            ("\"a\tb\"", 2),
            (r#""a";X"#, 4),
            (r#""a";x="#, 6),
            (r#""a";x=1."#, 8),
            (r#""a";x=@1.5"#, 10),
            (r#""a";x=?2"#, 7),
            (r#""a";x=:a"#, 8),
            (r#""a";x=1234567890123456"#, 22),
        ] {
            assert_eq!(read(field), Err(NotStrings { at }), "{field}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(names in proptest::collection::vec("\\PC{0,8}", 0..6)) {
            let mut list = String::new();
            let (written, left_out): (Vec<_>, Vec<_>) =
                names.into_iter().partition(|name| push_string(name, &mut list));
            prop_assert!(left_out.iter().all(|name| !name.is_ascii()));
            prop_assert_eq!(read(&list), Ok(written));
        }

        #[test]
        fn any_bytes_are_answered(lines in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..40), 0..4,
        )) {
            let _ = read_strings(lines.iter().map(Vec::as_slice));
        }

        #[test]
        fn nearly_lists_are_answered(field in "[\" ,;=ax1.:?@%\\\\()-]{0,40}") {
            if let Ok(members) = read(&field) {
                let mut again = String::new();
                prop_assert!(members.iter().all(|member| push_string(member, &mut again)));
                prop_assert_eq!(read(&again), Ok(members));
            }
        }
    }
}
