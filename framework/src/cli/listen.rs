use std::net::{IpAddr, SocketAddr};

use super::args::Listen;
use crate::config::Config;
use crate::problem::Problem;

/// The variable with the port that many platforms assign to a program.
const PORT: &str = "PORT";

/// The variable for the whole address, which is the site's own and overrides [`PORT`].
const OWN: &str = "HEADWATER_HTTP__LISTEN";

impl Listen {
    /// Sets the address for visitors from the flags, or else from the variable `PORT` of this environment.
    ///
    /// # Errors
    /// Fails when an address or the variable is malformed.
    pub(super) fn apply(
        &self,
        config: &mut Config,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<(), Problem> {
        let listen = &mut config.http.listen;
        if let Some(bind) = &self.bind {
            match (bind.parse::<SocketAddr>(), bind.parse::<IpAddr>()) {
                (Ok(address), _) if self.port.is_none() => {
                    *listen = address;
                    return Ok(());
                }
                (_, Ok(address)) => listen.set_ip(address),
                (Ok(_), _) => {
                    return Err(Problem::new(format!(
                        "--bind {bind} has a port, and --port has another; leave one out"
                    )));
                }
                _ => {
                    return Err(Problem::new(format!(
                        "--bind: `{bind}` is not an address; write 0.0.0.0, [::]:8000 or 127.0.0.1:8000"
                    )));
                }
            }
        }
        if let Some(port) = self.port {
            listen.set_port(port);
            return Ok(());
        }
        let environment: Vec<(String, String)> =
            environment.filter(|(name, _)| name == PORT || name == OWN).collect();
        let variable = |name: &str| environment.iter().find(|(known, _)| known == name);
        if let (Some((_, port)), None) = (variable(PORT), variable(OWN)) {
            let port = port.parse().map_err(|_| {
                Problem::new(format!("{PORT}: `{port}` is not a port; write 0 to 65535"))
            })?;
            listen.set_port(port);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(port: Option<u16>, bind: Option<&str>, environment: &[(&str, &str)]) -> String {
        let mut config = Config::default();
        let flags = Listen { port, bind: bind.map(str::to_owned) };
        let environment =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        match flags.apply(&mut config, environment) {
            Ok(()) => config.http.listen.to_string(),
            Err(problem) => problem.message,
        }
    }

    #[test]
    fn flags_override_variables_and_the_sites_own_overrides_port() {
        assert_eq!(listen(None, None, &[]), "127.0.0.1:8000");
        assert_eq!(listen(Some(3000), None, &[("PORT", "4000")]), "127.0.0.1:3000");
        assert_eq!(listen(None, None, &[("PORT", "4000")]), "127.0.0.1:4000");
        assert_eq!(
            listen(None, None, &[("PORT", "4000"), (OWN, "127.0.0.1:8000")]),
            "127.0.0.1:8000"
        );
        assert_eq!(listen(Some(80), Some("0.0.0.0"), &[]), "0.0.0.0:80");
        assert_eq!(listen(None, Some("[::1]:81"), &[("PORT", "4000")]), "[::1]:81");
        assert_eq!(listen(None, Some("::"), &[("PORT", "4000")]), "[::]:4000");
    }

    #[test]
    fn a_malformed_address_is_refused() {
        assert!(listen(None, Some("localhost"), &[]).contains("is not an address"));
        assert!(listen(Some(1), Some("0.0.0.0:2"), &[]).contains("leave one out"));
        assert!(listen(None, None, &[("PORT", "http")]).contains("PORT: `http` is not a port"));
    }
}
