//! Tests of whole tables: [`load`] problems, [`resolve`] and [`order`] the route for a request,
//! [`delegate`] several files, [`reverse`] URLs for names.

mod delegate;
mod load;
mod order;
mod resolve;
mod reverse;

use http::Method;

use super::{CanonicalPath, Resolution, Table};

/// Parses the table in `text`.
fn table(text: &str) -> Table {
    Table::parse(text, "dispatch.conf").unwrap_or_else(|problems| panic!("{problems}"))
}

/// Returns the problems of `text`, one per line.
fn problems(text: &str) -> Vec<String> {
    let problems = Table::parse(text, "dispatch.conf").expect_err("the text is wrong");
    problems.iter().map(ToString::to_string).collect()
}

/// Resolves a request and returns a short text: `target path name=value…` or the error.
fn ask(table: &Table, method: &str, path: &str) -> String {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let path = CanonicalPath::new(path).unwrap();
    match table.resolve(&method, path) {
        Resolution::Route(found) => {
            let mut answer = format!("{} {}", found.route.target, found.path());
            for (name, value) in found.params() {
                answer.push_str(&format!(" {name}={value}"));
            }
            answer
        }
        Resolution::NotFound { scope } => {
            match table.error_template(scope, http::StatusCode::NOT_FOUND) {
                Some(template) => format!("404 {template}"),
                None => "404".to_owned(),
            }
        }
        Resolution::MethodNotAllowed { allow, .. } => format!("405 {allow}"),
        Resolution::Options { allow } => format!("options {allow}"),
        Resolution::AliasLoop { .. } => "loop".to_owned(),
    }
}
