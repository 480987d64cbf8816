use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use super::FromRequestParts;
use crate::controller::Site;
use crate::log::{Draft, Invalidation, Receipt};
use crate::request::RequestParts;
use crate::state::WriteError;

/// All front ends of the site: makes them forget cached content.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("news.refresh")]
/// async fn refresh(cluster: Cluster) -> Result<Reply> {
///     let receipt = cluster.invalidate(Invalidation::new().group("news")).await?;
///     Ok(text(format!("{} front ends have forgotten the news", receipt.acknowledgements.len())))
/// }
/// ```
#[derive(Clone)]
pub struct Cluster {
    site: Arc<Site>,
}

impl Cluster {
    /// The front ends of a site.
    pub fn of(site: &Arc<Site>) -> Cluster {
        Cluster { site: site.clone() }
    }

    /// Makes cached content wrong. When this returns, no front end serves it any more, and the
    /// receipt says so for each.
    ///
    /// # Errors
    /// When a pattern is not a regular expression, or the log cannot store the record. Nothing is
    /// invalidated then.
    pub async fn invalidate(&self, invalidation: Invalidation) -> Result<Receipt, WriteError> {
        let draft = Draft { invalidation, ..Draft::default() };
        Ok(self.site.journal.write(draft).await?.receipt)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster")
    }
}

impl FromRequestParts for Cluster {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Cluster, Infallible> {
        Ok(Cluster::of(&parts.site))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn an_invalidation_gives_a_receipt_and_a_bad_pattern_an_error() {
        let mut parts = Request::builder().build().unwrap().parts;
        let cluster = Cluster::from_request_parts(&mut parts).await.unwrap();
        let receipt = cluster.invalidate(Invalidation::new().group("news")).await.unwrap();
        assert_eq!(receipt.position.0, 1);
        let refused = cluster.invalidate(Invalidation::new().pattern("^/blog/(")).await;
        assert!(matches!(refused, Err(WriteError::Pattern { .. })), "{refused:?}");
    }
}
