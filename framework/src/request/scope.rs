use serde::{Deserialize, Serialize};

/// The part of a request that its controller may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RequestScope {
    /// All of it: the answer is for this client only.
    Full,
    /// Only the values in the cache key, because the answer may be served to any client.
    Key {
        /// The route as written in `dispatch.conf`, for messages.
        route: String,
        /// The query parameters in the key; `None` when all are.
        query: Option<Vec<String>>,
        /// The request headers in the key.
        vary: Vec<String>,
    },
}
