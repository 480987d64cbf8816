use std::collections::HashSet;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::origin::Origins;
use super::secret::secrets_of;
use super::{Config, Mode};
use crate::http::{Languages, is_cookie_name};
use crate::problem::Problems;
use crate::session;

/// Returns the problems of values that are well-formed by themselves.
pub(super) fn check(config: &Config, origins: &Origins) -> Problems {
    let mut problems = Problems::new();
    let mut refuse = |key: &str, message: &str| problems.push(origins.problem(key, message));

    let link = &config.link;
    if !link.listen.ip().is_loopback() && link.secret.is_none() {
        refuse(
            "link.listen",
            "the link is open to other machines, so it needs a secret; set link.secret to the same \
             long random text on every node, or listen on 127.0.0.1",
        );
    }
    let admin = &config.admin;
    if !admin.listen.ip().to_canonical().is_loopback() && admin.secret.is_none() {
        refuse(
            "admin.listen",
            "the admin port is open to other machines, so it needs a secret; set admin.secret to a \
             long random text, or listen on 127.0.0.1",
        );
    }
    if config.mode == Mode::Frontend && link.backends.is_empty() {
        refuse("link.backends", "a front end needs at least one back end, as in \"10.0.0.1:8100\"");
    }
    if link.lease < Duration::from_millis(10) || link.lease > Duration::from_secs(60) {
        refuse("link.lease", "a lease must be 10ms to 1m");
    }
    if link.deadline > Duration::from_secs(24 * 60 * 60) {
        refuse("link.deadline", "the deadline must be 1d at most");
    }
    let mut seen = HashSet::new();
    if let Some(name) = link.expect_frontends.iter().find(|name| !seen.insert(*name)) {
        refuse("link.expect_frontends", &format!("`{name}` is in the list twice"));
    }

    let languages = &config.languages;
    let twice = languages.iter().enumerate().find(|(index, tag)| {
        languages[..*index].iter().any(|earlier| earlier.eq_ignore_ascii_case(tag))
    });
    if let Some((_, tag)) = twice {
        refuse("languages", &format!("`{tag}` is in the list twice"));
    }
    if let Some(name) = config.language_cookie.as_deref().filter(|name| !is_cookie_name(name)) {
        refuse("language_cookie", &format!("`{name}` is not the name of a cookie"));
    }
    if languages.len() > Languages::MOST {
        refuse("languages", &format!("a site has {} languages at most", Languages::MOST));
    }

    let cache = &config.cache;
    for (key, bytes) in
        [("cache.bytes", cache.bytes), ("cache.persistent_bytes", cache.persistent_bytes)]
    {
        if bytes == 0 || bytes > LARGEST_CACHE {
            refuse(
                key,
                "the size must be 1 B to 16 TiB; to run without a cache, set mode = \"single-node\"",
            );
        }
    }

    if cache.max_entry == 0 {
        refuse("cache.max_entry", "the limit must be 1 B at least");
    }

    let limits = &config.limits;
    if !(8 << 10..=16 << 20).contains(&limits.header_bytes) {
        refuse("limits.header_bytes", "the limit must be 8 KiB to 16 MiB");
    }
    if limits.collected_bodies < limits.body {
        refuse(
            "limits.collected_bodies",
            "the limit on all bodies must not be below that on one, limits.body",
        );
    }
    for (key, duration) in [
        ("http.part_timeout", config.http.part_timeout),
        ("link.deadline", link.deadline),
        ("cache.lifetime", cache.lifetime),
        ("cache.status_lifetime", cache.status_lifetime),
        ("docroot.sync_deadline", config.docroot.sync_deadline),
        ("limits.header_timeout", limits.header_timeout),
        ("limits.body_timeout", limits.body_timeout),
        ("limits.idle_timeout", limits.idle_timeout),
        ("limits.write_timeout", limits.write_timeout),
    ] {
        if duration.is_zero() || duration > LONGEST_WAIT {
            refuse(key, "the duration must be 1ms to 366d");
        }
    }
    let lifetime = config.session.lifetime;
    if lifetime < Duration::from_secs(60) || lifetime > session::LONGEST {
        refuse("session.lifetime", "the lifetime must be 1m to 400d");
    }
    if config.secret_key.is_some() && config.secret_key_file.is_some() {
        refuse("secret_key_file", "secret_key is set too: set only one of the two");
    }
    if let Err(message) = config.secret_key.as_ref().map_or(Ok(Vec::new()), secrets_of) {
        refuse("secret_key", &message);
    }
    if limits.drain > Duration::from_secs(3600) {
        refuse("limits.drain", "the duration must be 1h at most");
    }

    for (key, path) in [
        ("log.path", &config.log.path),
        ("templates.path", &config.templates.path),
        ("locales.path", &config.locales.path),
        ("docroot.path", &config.docroot.path),
        ("docroot.sync", &config.docroot.sync),
        ("dispatch.path", &config.dispatch.path),
    ] {
        if path.as_os_str().is_empty() {
            refuse(key, "the path is empty");
        }
    }
    if let Err(error) = EnvFilter::try_new(&config.trace.level) {
        refuse(
            "trace.level",
            &format!(
                "`{}` is not a level ({error}); write error, warn, info, debug or trace, or \
                 directives as in \"info,headwater=debug\"",
                config.trace.level
            ),
        );
    }
    problems
}

const LARGEST_CACHE: u64 = 16 << 40;

/// Longer than needed, and short enough that adding it to a point in time never overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);
