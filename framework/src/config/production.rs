use std::net::IpAddr;

use super::origin::Origins;
use super::{Config, Environment, Mode, Secret};
use crate::problem::Problems;

/// The shortest secret that a stranger cannot guess, in characters.
const SHORTEST: usize = 16;

impl Config {
    /// What keeps the node from being shown to the public, beyond what keeps it from starting.
    pub(super) fn unfit_for_production(&self, has_sessions: bool, origins: &Origins) -> Problems {
        let mut problems = Problems::new();
        let mut refuse = |key: &str, message: &str| problems.push(origins.problem(key, message));
        if self.environment == Environment::Development {
            refuse(
                "environment",
                "in development error pages show what went wrong, and to everybody; set \
                 HEADWATER_ENVIRONMENT=production where the site is public",
            );
        }
        let has_visitors = self.mode != Mode::Backend;
        if has_visitors
            && has_sessions
            && self.secret_key.is_none()
            && self.secret_key_file.is_none()
        {
            refuse(
                "secret_key",
                "the site has sessions, so it needs a secret key: the command `secret` prints one; set \
                 HEADWATER_SECRET_KEY to it, the same on all front ends",
            );
        }
        for (key, secret) in
            [("admin.secret", &self.admin.secret), ("link.secret", &self.link.secret)]
        {
            if secret.as_ref().is_some_and(is_weak) {
                refuse(
                    key,
                    "the secret is short enough to be guessed; take one that the command `secret` prints",
                );
            }
        }
        if is_public(self.admin.listen.ip()) {
            refuse(
                "admin.listen",
                "the admin port is open to strangers and is not encrypted; listen on 127.0.0.1, or on an address \
                 of a network of your own",
            );
        }
        if has_visitors && self.http.trusted_proxies.is_empty() {
            refuse(
                "http.trusted_proxies",
                "no proxy that ends TLS is declared, so the site takes every visit for one without encryption; \
                 put one in front, and name its address: trusted_proxies = [\"127.0.0.1\"]",
            );
        }
        problems
    }
}

/// Whether machines beyond networks of one's own may reach the address.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

fn is_weak(secret: &Secret) -> bool {
    let text = secret.expose();
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    text.len() < SHORTEST || letters.len() < 6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pairs: &[(&str, &str)], has_sessions: bool) -> String {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (_, problems) = Config::read_for_production(None, pairs, has_sessions);
        problems.to_string()
    }

    const PROXY: (&str, &str) = ("HEADWATER_HTTP__TRUSTED_PROXIES", "127.0.0.1");

    #[test]
    fn a_node_behind_a_proxy_with_a_secret_is_fit_for_production() {
        assert_eq!(refused(&[PROXY], false), "");
        let key = ("HEADWATER_SECRET_KEY", "0123456789abcdef0123456789abcdef");
        assert_eq!(refused(&[PROXY, key], true), "");
        let backend = [
            ("HEADWATER_MODE", "backend"),
            ("HEADWATER_ADMIN__LISTEN", "10.0.0.1:8300"),
            ("HEADWATER_ADMIN__SECRET", "0123456789abcdef"),
        ];
        assert_eq!(refused(&backend, true), "");
    }

    #[test]
    fn what_is_for_development_only_is_named_with_what_to_set() {
        for (pairs, has_sessions, advice) in [
            (&[][..], false, "trusted_proxies = "),
            (&[PROXY], true, "HEADWATER_SECRET_KEY"),
            (
                &[PROXY, ("HEADWATER_ENVIRONMENT", "development")],
                false,
                "HEADWATER_ENVIRONMENT=production",
            ),
            (
                &[PROXY, ("HEADWATER_LINK__SECRET", "sesame")],
                false,
                "HEADWATER_LINK__SECRET: the secret is short",
            ),
            (&[PROXY, ("HEADWATER_ADMIN__SECRET", "aaaaaaaaaaaaaaaaaaaa")], false, "short enough"),
            (
                &[
                    PROXY,
                    ("HEADWATER_ADMIN__LISTEN", "0.0.0.0:8200"),
                    ("HEADWATER_ADMIN__SECRET", "0123456789abcdef"),
                ],
                false,
                "HEADWATER_ADMIN__LISTEN: the admin port is open",
            ),
        ] {
            let problems = refused(pairs, has_sessions);
            assert!(problems.contains(advice), "{problems}");
            assert_eq!(problems.lines().count(), 1, "{problems}");
        }
    }
}
