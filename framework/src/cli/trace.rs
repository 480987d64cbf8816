use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Trace, TraceFormat};
use crate::problem::Problem;

/// Starts sending the process's messages to stderr. A second call changes nothing.
///
/// # Errors
/// Fails when the level, or the variable `RUST_LOG` that overrides it, is malformed.
pub(super) fn start(trace: &Trace) -> Result<(), Problem> {
    let filter = filter(trace)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A message that cannot be written would otherwise cause a panic.
        .log_internal_errors(false);
    // Fails when a test or the site has already set a subscriber, which then takes precedence.
    let _ = match trace.format {
        TraceFormat::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            tracing::subscriber::set_global_default(subscriber.with_ansi(colours).finish())
        }
        TraceFormat::Json => tracing::subscriber::set_global_default(subscriber.json().finish()),
    };
    Ok(())
}

/// Returns the filter for messages.
///
/// # Errors
/// Like [`start`].
pub(super) fn filter(trace: &Trace) -> Result<EnvFilter, Problem> {
    let (name, level) = match std::env::var("RUST_LOG") {
        Ok(level) if !level.is_empty() => ("RUST_LOG", level),
        _ => ("trace.level", trace.level.clone()),
    };
    EnvFilter::try_new(level)
        .map_err(|error| Problem::new(format!("{name}: {error}; write a level, like \"info\"")))
}
