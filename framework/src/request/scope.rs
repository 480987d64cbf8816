use serde::{Deserialize, Serialize};

/// How much of a request its controller may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RequestScope {
    /// All of it: the answer goes to this client only.
    Full,
    /// Only what is in the cache key, for the answer may go to any client.
    Key {
        /// The route as a reader of `dispatch.conf` would name it, for messages.
        route: String,
        /// The query parameters in the key; `None` when all are.
        query: Option<Vec<String>>,
        /// The request headers in the key.
        vary: Vec<String>,
    },
}
