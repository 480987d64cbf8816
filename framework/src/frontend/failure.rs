use http::{HeaderMap, StatusCode};

use crate::body::BodyError;
use crate::cache::LogOrigin;
use crate::dispatch::CacheType;
use crate::session::SIGN_IN_FIRST;

/// The reason why a request has no normal response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// The message for the visitor.
    pub(super) message: String,
    /// The message for developers only.
    pub(super) cause: Option<String>,
    /// Headers that the controller adds to the response.
    pub(super) headers: HeaderMap,
    /// The status of the redirect to the sign-in page (whose address is in `headers`) that clients which read pages
    /// receive instead.
    pub(super) sign_in: Option<StatusCode>,
    /// Whether the log already contains the reason why such requests fail.
    pub(super) is_known: bool,
    /// How the response may be cached, if it is a controller's.
    pub(super) keeping: Option<Box<ReplyCaching>>,
}

/// How a reply may be cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyCaching {
    /// Groups that the reply declares in addition to those of its route.
    pub(super) groups: Vec<String>,
    /// Groups of the data that were read for the reply; `None` if they are unknown: then the reply is not stored.
    pub(super) recorded: Option<Vec<String>>,
    /// The reply's own cache type, if it differs from its route's.
    pub(super) cache: Option<CacheType>,
    /// The reply's log and position; unknown while no log is followed.
    pub(super) origin: Option<LogOrigin>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Failure {
        Failure {
            status,
            message: message.into(),
            cause: None,
            headers: HeaderMap::new(),
            sign_in: None,
            is_known: false,
            keeping: None,
        }
    }

    pub(super) fn internal(cause: impl Into<String>) -> Failure {
        let message = "Something went wrong on our side.";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message).because(cause)
    }

    /// Creates the failure of a client without a session; the redirect leads to the sign-in page.
    pub(super) fn of_guest(redirect: StatusCode, headers: HeaderMap) -> Failure {
        let failure = Failure::new(StatusCode::UNAUTHORIZED, SIGN_IN_FIRST);
        Failure { headers, sign_in: Some(redirect), ..failure }
    }

    pub(super) fn because(mut self, cause: impl Into<String>) -> Failure {
        self.cause = Some(cause.into());
        self
    }

    /// Creates the failure of a request whose body could not be read completely.
    pub(super) fn of_request_body(error: &BodyError) -> Failure {
        let status = match error {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        };
        Failure::new(status, error.to_string())
    }
}
