use std::net::IpAddr;

use serde::Deserialize;

use super::origin::Origins;
use super::{Config, Environment, Mode, Secret};
use crate::problem::Problems;

/// The minimum length of a secret that cannot be guessed, in characters.
const SHORTEST: usize = 16;

impl Config {
    /// Returns the problems that make the node unfit for the public but do not prevent its start.
    pub(super) fn unfit_for_production(&self, origins: &Origins) -> Problems {
        let mut problems = Problems::new();
        let mut refuse = |key: &str, message: &str| problems.push(origins.problem(key, message));
        if self.environment == Environment::Development {
            refuse(
                "environment",
                "error pages in development show the cause to all visitors; set \
                 HEADWATER_ENVIRONMENT=production where the site is public",
            );
        }
        let has_visitors = self.mode != Mode::Backend;
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
                "no proxy that ends TLS is declared, so the site treats every request as unencrypted; \
                 put one in front, and name its address: trusted_proxies = [\"127.0.0.1\"]",
            );
        }
        let sends_mail = self.mode != Mode::Frontend;
        if sends_mail
            && self.site.read().is_ok_and(|GeneratedMail { mail }| mail.transport == "log")
        {
            refuse(
                "site.mail",
                "the transport \"log\" writes mail to stderr, with links in it that set passwords, and sends none: write \
                 a `Transport` in src/mailer.rs, and name it here",
            );
        }
        problems
    }
}

/// The development part of the mail settings that `generate auth` has added to `[site]`.
#[derive(Deserialize)]
struct GeneratedMail {
    mail: GeneratedTransport,
}

#[derive(Deserialize)]
struct GeneratedTransport {
    transport: String,
}

/// Returns whether machines outside of private networks may reach the address.
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

    fn refused(pairs: &[(&str, &str)]) -> String {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (_, problems, unfit) = Config::read_for_production(None, pairs);
        assert!(problems.is_empty(), "{problems}");
        unfit.to_string()
    }

    const PROXY: (&str, &str) = ("HEADWATER_HTTP__TRUSTED_PROXIES", "127.0.0.1");

    #[test]
    fn a_node_behind_a_proxy_with_a_secret_is_fit_for_production() {
        assert_eq!(refused(&[PROXY]), "");
        let backend = [
            ("HEADWATER_MODE", "backend"),
            ("HEADWATER_ADMIN__LISTEN", "10.0.0.1:8300"),
            ("HEADWATER_ADMIN__SECRET", "0123456789abcdef"),
        ];
        assert_eq!(refused(&backend), "");
    }

    #[test]
    fn mail_that_is_only_written_to_the_log_is_for_development() {
        const LOG: (&str, &str) = ("HEADWATER_SITE__MAIL__TRANSPORT", "log");
        assert!(refused(&[PROXY, LOG]).contains("`Transport` in src/mailer.rs"));
        assert_eq!(refused(&[PROXY, ("HEADWATER_SITE__MAIL__TRANSPORT", "smtp")]), "");
        assert_eq!(refused(&[LOG, ("HEADWATER_MODE", "frontend")]).matches("mail").count(), 0);
    }

    #[test]
    fn settings_for_development_are_reported_with_advice() {
        for (pairs, advice) in [
            (&[][..], "trusted_proxies = "),
            (
                &[PROXY, ("HEADWATER_ENVIRONMENT", "development")],
                "HEADWATER_ENVIRONMENT=production",
            ),
            (
                &[PROXY, ("HEADWATER_LINK__SECRET", "sesame")],
                "HEADWATER_LINK__SECRET: the secret is short",
            ),
            (&[PROXY, ("HEADWATER_ADMIN__SECRET", "aaaaaaaaaaaaaaaaaaaa")], "short enough"),
            (
                &[
                    PROXY,
                    ("HEADWATER_ADMIN__LISTEN", "0.0.0.0:8200"),
                    ("HEADWATER_ADMIN__SECRET", "0123456789abcdef"),
                ],
                "HEADWATER_ADMIN__LISTEN: the admin port is open",
            ),
        ] {
            let problems = refused(pairs);
            assert!(problems.contains(advice), "{problems}");
            assert_eq!(problems.lines().count(), 1, "{problems}");
        }
    }
}
