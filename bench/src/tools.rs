//! Third-party programs: their paths, their versions, and how to install them.

use std::path::PathBuf;
use std::process::Command;

/// A third-party program.
#[derive(Debug)]
pub(crate) struct Tool {
    program: &'static str,
    /// A further file that must exist.
    with: Option<&'static str>,
    /// The arguments that print its version.
    version: &'static [&'static str],
    /// Debian's packages.
    packages: &'static str,
}

pub(crate) const NGINX: Tool =
    Tool { program: "nginx", with: None, version: &["-v"], packages: "nginx" };

pub(crate) const VARNISH: Tool = Tool {
    program: "varnishd",
    with: Some("varnish/vmods/libvmod_xkey.so"),
    version: &["-V"],
    packages: "varnish varnish-modules",
};

pub(crate) const WRK: Tool = Tool { program: "wrk", with: None, version: &["-v"], packages: "wrk" };

pub(crate) const H2LOAD: Tool =
    Tool { program: "h2load", with: None, version: &["--version"], packages: "nghttp2-client" };

/// All third-party programs.
pub(crate) const ALL: [&Tool; 4] = [&NGINX, &VARNISH, &WRK, &H2LOAD];

impl Tool {
    pub(crate) fn name(&self) -> &'static str {
        self.program
    }

    /// Returns the program's path, unless it is missing.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // The folders of servers are not in every user's `PATH`.
        let folders =
            std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        let found = folders.map(|folder| folder.join(self.program)).find(|file| file.is_file())?;
        match self.with {
            Some(file) if !is_library(file) => None,
            _ => Some(found),
        }
    }

    /// Returns how to install the program, if it is missing.
    pub(crate) fn missing(&self) -> Option<String> {
        let Tool { program, packages, .. } = self;
        match self.path() {
            Some(_) => None,
            None => Some(format!("{program} is not installed; apt-get install {packages}")),
        }
    }

    /// Returns the program's version as it prints it.
    pub(crate) fn version(&self) -> Option<String> {
        let output = Command::new(self.path()?).args(self.version).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        version_in(&String::from_utf8_lossy(&text))
    }
}

/// Returns whether a file is in one of the folders for libraries.
fn is_library(file: &str) -> bool {
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let mut folders = folders.iter().flat_map(|folder| [folder.clone(), folder.join(&triple)]);
    folders.any(|folder| folder.join(file).is_file())
}

/// Returns the first number with a point in it.
fn version_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let words = words.map(|word| word.trim_start_matches(|c: char| c.is_ascii_alphabetic()));
    let is_version =
        |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
    words.into_iter().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_the_output_of_programs() {
        for (said, version) in [
            ("nginx version: nginx/1.22.1\n", "1.22.1"),
            ("varnishd (varnish-7.1.1 revision 7cee1c581bead20e88d)", "7.1.1"),
            ("wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer", "4.1.0"),
            ("h2load nghttp2/1.52.0", "1.52.0"),
        ] {
            assert_eq!(version_in(said).as_deref(), Some(version));
        }
        assert_eq!(version_in("unknown"), None);
    }

    #[test]
    fn missing_programs_are_reported_with_their_packages() {
        let tool = Tool { program: "no-such-program", with: None, version: &[], packages: "none" };
        let missing = tool.missing().unwrap();
        assert_eq!(missing, "no-such-program is not installed; apt-get install none");
    }
}
