use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt, TryFutureExt};
use http::StatusCode;

use crate::log::panic_message;
use crate::reply::{Reply, error};
use crate::shown::shown_cause;

/// Runs a part of the site's code. A panic in it becomes an error 500 whose cause names `part_name`.
pub(super) fn caught<T>(
    part_name: impl FnOnce() -> String,
    request_id: &str,
    part: impl Future<Output = T>,
) -> impl Future<Output = Result<T, Reply>> {
    // A panic leaves only data of the request in an inconsistent state; the site's state is behind `Store`, which only
    // the log changes.
    AssertUnwindSafe(part).catch_unwind().map_err(move |panic| {
        let cause = format!("{} panicked: {}", part_name(), panic_message(&*panic));
        tracing::error!(request_id, "{}", shown_cause(&cause));
        error(StatusCode::INTERNAL_SERVER_ERROR).cause(cause)
    })
}
