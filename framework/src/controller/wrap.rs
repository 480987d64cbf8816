use std::fmt;

use super::ControllerFn;
use crate::reply::Reply;
use crate::request::Request;

/// The inner handler of a [wrapper](super::Registration::wrap).
pub struct Next(ControllerFn);

impl Next {
    pub(super) fn new(handler: ControllerFn) -> Next {
        Next(handler)
    }

    /// Runs the inner wrappers and the controller.
    pub async fn run(self, request: Request) -> Reply {
        (self.0)(request).await
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}
