use std::fs;
use std::path::{Component, Path, PathBuf};

/// The repository in which this program was built, if it still exists.
const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The repository of the framework for a new site.
#[derive(Debug)]
pub(crate) struct Framework {
    /// Its folder, without symlinks.
    repository: PathBuf,
}

/// The relative paths between a site and the framework.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// The path from the site's folder to the repository.
    pub(crate) repository: String,
    /// The path of the repository below a folder that contains it and the site.
    pub(crate) repository_below: String,
    /// The path of the site below the same folder, with `site` as its name.
    pub(crate) site_below: String,
}

impl Framework {
    /// Returns the repository in the folder `named`, or else the one in which this program was built.
    ///
    /// # Errors
    /// Fails with a message that says what to write instead.
    pub(crate) fn find(named: Option<&Path>) -> Result<Framework, String> {
        let Some(named) = named else {
            return Framework::at(Path::new(BUILT_IN)).ok_or_else(|| {
                "Headwater is not published yet: name the folder of its repository, with \
                 --path-to-framework ../headwater"
                    .to_owned()
            });
        };
        // The folder of the package itself is accepted, too.
        let above =
            named.parent().filter(|_| named.file_name().is_some_and(|name| name == "framework"));
        let found = [Some(named), above].into_iter().flatten().find_map(Framework::at);
        found.ok_or_else(|| {
            format!(
                "{} is not Headwater's repository: there is no package `headwater` in its folder \
                 `framework`",
                named.display()
            )
        })
    }

    fn at(repository: &Path) -> Option<Framework> {
        let manifest = fs::read_to_string(repository.join("framework/Cargo.toml")).ok()?;
        let is_framework = manifest.lines().any(|line| line.trim() == "name = \"headwater\"");
        let repository = repository.canonicalize().ok()?;
        // Cargo.toml is UTF-8 text and cannot contain another path.
        (is_framework && repository.to_str().is_some()).then_some(Framework { repository })
    }

    /// Returns the relative paths for a site in the folder `site`, which contains no symlinks.
    pub(crate) fn from(&self, site: &Path) -> Way {
        let names = |path: &Path| -> Vec<String> {
            let normal = path.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            });
            normal.collect()
        };
        let (there, here) = (names(&self.repository), names(site));
        let shared = there.iter().zip(&here).take_while(|(there, here)| there == here).count();
        let up = here.len() - shared;
        let down = there[shared..].join("/");
        let repository = [vec![".."; up].join("/"), down.clone()];
        let repository = repository.into_iter().filter(|part| !part.is_empty());
        Way {
            repository: repository.collect::<Vec<_>>().join("/"),
            repository_below: down,
            site_below: format!("{}site", "site/".repeat(up.saturating_sub(1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_a_site_to_the_framework_is_relative() {
        let framework = Framework { repository: PathBuf::from("/home/ana/code/headwater") };
        let way = |site: &str| framework.from(Path::new(site));
        let beside = way("/home/ana/code/potluck");
        assert_eq!(beside.repository, "../headwater");
        assert_eq!((&*beside.repository_below, &*beside.site_below), ("headwater", "site"));
        let apart = way("/home/ana/sites/a/potluck");
        assert_eq!(apart.repository, "../../../code/headwater");
        assert_eq!(
            (&*apart.repository_below, &*apart.site_below),
            ("code/headwater", "site/site/site")
        );
    }

    #[test]
    fn a_folder_that_is_not_the_framework_is_refused() {
        let message = Framework::find(Some(Path::new("/nowhere"))).unwrap_err();
        assert!(message.starts_with("/nowhere is not Headwater's repository"), "{message}");
        let repository = Path::new(BUILT_IN);
        for folder in [repository.to_owned(), repository.join("framework")] {
            assert!(Framework::find(Some(&folder)).is_ok(), "{}", folder.display());
        }
    }
}
