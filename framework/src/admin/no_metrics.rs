/// The process's metrics in a program without the feature `prometheus`: the site may install its own recorder for the
/// metrics that the framework records with the `metrics` crate.
#[derive(Debug, Clone)]
pub struct Metrics;

impl Metrics {
    /// Collects nothing.
    pub fn install() -> Metrics {
        Metrics
    }

    /// Always `None`.
    pub(super) fn render(&self) -> Option<String> {
        None
    }
}
