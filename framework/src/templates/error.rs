//! Errors of loading and rendering templates.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use tera::ReportError;

use super::positions::{Originals, TextPosition};
use crate::problem::{Problem, Problems};

/// The reason why a template could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// The folder that the templates were loaded from.
    pub folder: PathBuf,
    /// The requested template.
    pub template: String,
    /// The kind of the failure.
    pub kind: RenderErrorKind,
    /// The position of the failure, in that template or in one that it extends or includes.
    pub place: Option<Place>,
    /// The failure, as a sentence.
    pub message: String,
    /// The underlying causes, the nearest first.
    pub causes: Vec<String>,
    /// The template's lines around the position, for a developer.
    pub excerpt: Option<String>,
}

/// The kinds of [`RenderError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// No template has this name.
    Missing,
    /// The template, or a function or filter that it calls, failed.
    Failed,
    /// The page exceeded the size limit.
    TooLarge,
    /// A function or filter panicked.
    Panicked,
}

/// A position in a template.
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
            said.unwrap_or("no message")
        );
        RenderError::new(template, RenderErrorKind::Panicked, message)
    }

    pub(super) fn damaged(template: &str, message: &str) -> RenderError {
        RenderError::new(template, RenderErrorKind::Failed, message)
    }

    pub(super) fn failed(
        template: &str,
        error: &tera::Error,
        originals: &Originals,
    ) -> RenderError {
        let mut failed = RenderError::new(template, RenderErrorKind::Failed, "");
        match error.kind() {
            tera::ErrorKind::RenderingError(report) | tera::ErrorKind::SyntaxError(report) => {
                let TextPosition { line, column } =
                    originals.place(report.filename(), place_of(report));
                failed.message = report.message().to_owned();
                failed.excerpt = Some(originals.restore(&error.to_string(), report.message()));
                failed.place = Some(Place { template: report.filename().to_owned(), line, column });
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

    /// Sets the folder of the templates.
    pub(super) fn below(self, folder: &Path) -> RenderError {
        RenderError { folder: folder.to_owned(), ..self }
    }

    fn new(template: &str, kind: RenderErrorKind, message: impl Into<String>) -> RenderError {
        RenderError {
            folder: PathBuf::new(),
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
            Some(Place { template, line, column }) => {
                write!(f, "{}:{line}:{column}: ", self.folder.join(template).display())?;
            }
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

/// Returns the position that Tera reports, in the text that it was given.
fn place_of(report: &ReportError) -> TextPosition {
    TextPosition { line: report.span().start_line, column: report.span().start_col + 1 }
}

/// Converts Tera's error about templates below `folder` into problems, one for each finding.
///
/// Tera puts all of its findings about references between templates into one text, each as `error: MESSAGE`, a line
/// `--> NAME:LINE:COLUMN` and an excerpt.
pub(super) fn problems(folder: &Path, error: &tera::Error, originals: &Originals) -> Problems {
    if let tera::ErrorKind::SyntaxError(report) = error.kind() {
        return syntax(folder, report, originals).into();
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
            problems.push(at(folder, place, message, originals));
        }
    }
    if problems.is_empty() {
        problems.push(Problem::in_file(folder, text));
    }
    problems
}

fn syntax(folder: &Path, report: &ReportError, originals: &Originals) -> Problem {
    let (name, place) = (report.filename(), place_of(report));
    let ours = originals.get(name).is_some_and(|rewritten| rewritten.is_ours(place));
    let message = match report.message() {
        "Unknown tag" if ours => {
            "this `endcache` comes while a tag after its `cache` is still open"
        }
        message => message,
    };
    // The rewritten tag is a call, so Tera expects a parenthesis where its author closes the tag.
    let message = match message.strip_prefix("Found `)`").filter(|_| ours) {
        Some(rest) => format!("Found `%}}`{rest}"),
        None => message.to_owned(),
    };
    let TextPosition { line, column } = originals.place(name, place);
    Problem::at_column(folder.join(name), line, column, message)
}

fn at(folder: &Path, place: &str, message: &str, originals: &Originals) -> Problem {
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next().and_then(|column| column.parse().ok());
    let line = parts.next().and_then(|line| line.parse().ok());
    match (parts.next(), line, column) {
        (Some(name), Some(line), Some(column)) => {
            let TextPosition { line, column } =
                originals.place(name, TextPosition { line, column });
            Problem::at_column(folder.join(name), line, column, message)
        }
        _ => Problem::in_file(folder, format!("{message} ({place})")),
    }
}
