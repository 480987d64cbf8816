//! Failures of controllers.

use std::time::Duration;

use headwater::prelude::*;

/// Panics.
#[controller("failures.panic")]
pub(crate) async fn panic() -> Reply {
    panic!("the controller has lost its head")
}

/// Fails with a status.
#[controller("failures.error")]
pub(crate) async fn error_page(Path(code): Path<u16>) -> Reply {
    error(code).message("It was asked for.").cause("the address says so")
}

/// Answers late.
#[controller("failures.sleep")]
pub(crate) async fn sleep(Path(milliseconds): Path<u64>) -> Reply {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    text("slept")
}

/// Shows a template that fails to render.
#[controller("failures.broken_template")]
pub(crate) async fn broken_template() -> Reply {
    template("broken.html")
}

/// Shows a template that does not exist.
#[controller("failures.no_such_template")]
pub(crate) async fn no_such_template() -> Reply {
    template("no-such.html")
}
