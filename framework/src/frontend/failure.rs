use http::{HeaderMap, StatusCode};

use crate::body::BodyError;
use crate::cache::LogOrigin;
use crate::dispatch::CacheType;
use crate::session::SIGN_IN_FIRST;

/// Why there is no answer to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// What the visitor may see.
    pub(super) message: String,
    /// What only a developer may see.
    pub(super) cause: Option<String>,
    /// What the controller wants to be sent along.
    pub(super) headers: HeaderMap,
    /// The status of the redirect to the sign-in page, which `headers` name, that readers of pages get instead.
    pub(super) sign_in: Option<StatusCode>,
    /// Whether the log says elsewhere why such requests fail.
    pub(super) is_known: bool,
    /// What the controller says of keeping it, if it comes from one.
    pub(super) keeping: Option<Box<ReplyCaching>>,
}

/// What a reply says of being kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyCaching {
    /// Groups that it names, beyond those of its route.
    pub(super) groups: Vec<String>,
    /// Groups of what was read for it; `None` if they are not known: then it is not kept.
    pub(super) recorded: Option<Vec<String>>,
    /// How it wants to be cached, when not as its route says.
    pub(super) cache: Option<CacheType>,
    /// From when it is; unknown while no log is followed.
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

    /// The client has no session, and this redirect leads to where it would get one.
    pub(super) fn of_guest(redirect: StatusCode, headers: HeaderMap) -> Failure {
        let failure = Failure::new(StatusCode::UNAUTHORIZED, SIGN_IN_FIRST);
        Failure { headers, sign_in: Some(redirect), ..failure }
    }

    pub(super) fn because(mut self, cause: impl Into<String>) -> Failure {
        self.cause = Some(cause.into());
        self
    }

    /// The visitor's own body could not be read to its end.
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
