use crate::log::LogId;

/// What a link knows of its back ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkStatus {
    /// The log of the feed that is followed; `None` while there is no feed.
    pub followed: Option<LogId>,
    /// Whether the back end that is followed gives this front end no lease, because writers had to
    /// wait for it.
    pub on_probation: bool,
    /// One for each configured back end, in the order of the configuration.
    pub backends: Vec<BackendStatus>,
}

/// What a link knows of one back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackendStatus {
    /// Where it is expected.
    pub address: String,
    /// What it called itself when it was last connected.
    pub name: Option<String>,
    /// Whether there is a connection for calls.
    pub connected: bool,
    /// Whether the feed comes from here.
    pub followed: bool,
    /// Its log, when it was last connected.
    pub log: Option<LogId>,
    /// What went wrong last, if it has not gone right since.
    pub last_error: Option<String>,
    /// How many calls are waiting for the heads of their answers.
    pub calls_in_flight: usize,
}
