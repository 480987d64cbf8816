//! Why a template could not be loaded or rendered.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use crate::problem::{Problem, Problems};

/// Why a template gave no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// The template that was asked for.
    pub template: String,
    /// What went wrong.
    pub kind: RenderErrorKind,
    /// Where it went wrong: in that template, or in one that it extends or includes.
    pub place: Option<Place>,
    /// What went wrong, as a sentence.
    pub message: String,
    /// The causes behind it, the nearest first.
    pub causes: Vec<String>,
    /// The lines of the template around the place, for a developer to read.
    pub excerpt: Option<String>,
}

/// The kinds of [`RenderError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// There is no template of this name.
    Missing,
    /// The template, or a function or filter that it calls, failed.
    Failed,
    /// The page became longer than is allowed.
    TooLarge,
    /// A function or filter panicked.
    Panicked,
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template's name.
    pub template: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl RenderError {
    pub(super) fn missing(template: &str) -> RenderError {
        RenderError::new(template, RenderErrorKind::Missing, "there is no template of this name")
    }

    pub(super) fn too_large(template: &str, limit: usize) -> RenderError {
        let message = format!("the page became longer than the {limit} bytes that are allowed");
        RenderError::new(template, RenderErrorKind::TooLarge, message)
    }

    pub(super) fn panicked(template: &str, panic: &(dyn Any + Send)) -> RenderError {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!(
            "a function or filter of the template panicked: {}",
            said.unwrap_or("it said nothing")
        );
        RenderError::new(template, RenderErrorKind::Panicked, message)
    }

    pub(super) fn failed(template: &str, error: &tera::Error) -> RenderError {
        let mut failed = RenderError::new(template, RenderErrorKind::Failed, "");
        match error.kind() {
            tera::ErrorKind::RenderingError(report) | tera::ErrorKind::SyntaxError(report) => {
                failed.message = report.message().to_owned();
                failed.excerpt = Some(error.to_string());
                failed.place = Some(Place {
                    template: report.filename().to_owned(),
                    line: report.span().start_line,
                    column: report.span().start_col + 1,
                });
            }
            kind => failed.message = kind.to_string(),
        }
        let mut cause = StdError::source(error);
        while let Some(error) = cause {
            failed.causes.push(error.to_string());
            cause = error.source();
        }
        failed
    }

    fn new(template: &str, kind: RenderErrorKind, message: impl Into<String>) -> RenderError {
        RenderError {
            template: template.to_owned(),
            kind,
            place: None,
            message: message.into(),
            causes: Vec::new(),
            excerpt: None,
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Place { template, line, column }) => write!(f, "{template}:{line}:{column}: ")?,
            None => write!(f, "{}: ", self.template)?,
        }
        f.write_str(&self.message)?;
        if self.place.as_ref().is_some_and(|place| place.template != self.template) {
            write!(f, " (while rendering {})", self.template)?;
        }
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl StdError for RenderError {}

/// What Tera said about one or more templates below `folder`, one problem for each thing it said.
///
/// Tera puts all of its findings about references between templates into one text, each as
/// `error: MESSAGE`, a line `--> NAME:LINE:COLUMN` and an excerpt.
pub(super) fn problems(folder: &Path, error: &tera::Error) -> Problems {
    if let tera::ErrorKind::SyntaxError(report) = error.kind() {
        let (line, column) = (report.span().start_line, report.span().start_col + 1);
        let message = format!("{} (column {column})", report.message());
        return Problem::at_line(folder.join(report.filename()), line, message).into();
    }
    let text = error.to_string();
    let mut problems = Problems::new();
    let mut message = None;
    for line in text.lines() {
        if let Some(said) = line.strip_prefix("error: ") {
            message = Some(said);
        } else if let Some(place) = line.trim_start().strip_prefix("--> ")
            && let Some(message) = message.take()
        {
            problems.push(at(folder, place, message));
        }
    }
    if problems.is_empty() {
        problems.push(Problem::in_file(folder, text));
    }
    problems
}

fn at(folder: &Path, place: &str, message: &str) -> Problem {
    let mut parts = place.rsplitn(3, ':');
    let (column, line, name) = (parts.next(), parts.next(), parts.next());
    match (name, line.and_then(|line| line.parse().ok()), column) {
        (Some(name), Some(line), Some(column)) => {
            Problem::at_line(folder.join(name), line, format!("{message} (column {column})"))
        }
        _ => Problem::in_file(folder, format!("{message} ({place})")),
    }
}
