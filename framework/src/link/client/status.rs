use crate::log::LogId;

/// The state of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkStatus {
    /// The log of the feed that is followed; `None` while there is no feed.
    pub followed: Option<LogId>,
    /// Whether the followed back end withheld the last lease: writers had to wait for this front
    /// end, or it cannot store a file.
    pub lease_withheld: bool,
    /// One for each configured back end, in the order of the configuration.
    pub backends: Vec<BackendStatus>,
}

/// The state of a link to one back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackendStatus {
    /// The configured address.
    pub address: String,
    /// The name that it reported when it was last connected.
    pub name: Option<String>,
    /// Whether there is a connection for calls.
    pub connected: bool,
    /// Whether the feed is received from it.
    pub followed: bool,
    /// The log that it reported when it was last connected.
    pub log: Option<LogId>,
    /// The last error, if no connection has succeeded since.
    pub last_error: Option<String>,
    /// The number of calls that wait for the heads of their answers.
    pub calls_in_flight: usize,
}
