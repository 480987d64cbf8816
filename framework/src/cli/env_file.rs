use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::problem::{Problem, Problems};

/// Reads the variables in the file `.env`: lines like `NAME=value` or `NAME="value"`, empty ones, and comments with
/// `#`. A missing file has no variables.
///
/// # Errors
/// Fails when the file cannot be read, or contains another kind of line.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, Problems> {
    match fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Problem::in_file(path, format!("cannot be read: {error}")).into()),
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<(String, String)>, Problems> {
    let mut problems = Problems::new();
    let mut variables = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let parts = line.split_once('=').map(|(name, value)| (name.trim_end(), value.trim_start()));
        let variable = parts
            .filter(|(name, _)| is_name(name))
            .and_then(|(name, value)| Some((name.to_owned(), unquoted(value)?.to_owned())));
        match variable {
            Some(variable) => variables.push(variable),
            None => problems.push(Problem::at_line(
                path,
                index + 1,
                "write NAME=value, or NAME=\"value\"; a comment begins with # in a line of its own",
            )),
        }
    }
    problems.or(variables)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns a value without the quotes around it; `None` if only one of them is present.
fn unquoted(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    (!value.contains('\0')).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_variable() {
        let text = "# secrets\n\nA=1\nexport B = two words \nC=\"x # y\"\nD='it''s'\nE=\n";
        let read = parse(Path::new(".env"), text).unwrap();
        let shown: Vec<String> =
            read.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["A=1", "B=two words", "C=x # y", "D=it''s", "E="]);
        assert_eq!(read_missing(), []);
    }

    fn read_missing() -> Vec<(String, String)> {
        read(Path::new("/nowhere/.env")).unwrap()
    }

    #[test]
    fn a_malformed_line_is_reported_with_its_number() {
        let problems = parse(Path::new(".env"), "A=1\nB\n=c\n1D=e\nF=\"g\nH I=j\n").unwrap_err();
        let lines: Vec<usize> = problems.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6]);
    }
}
