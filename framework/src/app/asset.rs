//! The implementation of `asset(path=…)`: the address of a docroot's file, with its fingerprint.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dispatch::{CanonicalPath, Resolution, Route, Table};
use crate::files::{Files, Fingerprint};
use crate::templates::AssetUrl;

/// The folder of assets, for paths without a leading slash.
const ASSETS: &str = "/assets/";

/// The characters to escape in a path; the canonical spelling decodes those that need no escaping.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/');

/// The docroot's own files that pages refer to, with the fingerprints in these pages.
#[derive(Debug, Default)]
pub(super) struct ReferencedAssets(Mutex<BTreeMap<String, Option<Fingerprint>>>);

/// The files whose fingerprint in a page is outdated, by path, with their present fingerprint.
pub(super) type Outdated = BTreeMap<String, Option<Fingerprint>>;

impl ReferencedAssets {
    fn note(&self, file: &str, fingerprint: Fingerprint) {
        let mut referenced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match referenced.get_mut(file) {
            // One of the two pages is outdated, whatever the content of the file.
            Some(known) if *known != Some(fingerprint) => *known = None,
            Some(_) => {}
            None => drop(referenced.insert(file.to_owned(), Some(fingerprint))),
        }
    }

    /// Returns the files whose fingerprint has changed. Reads files, so it may block.
    pub(super) fn outdated(&self, files: &Files) -> Outdated {
        let referenced = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let own = referenced.into_iter().filter(|(file, _)| !files.is_overlaid(file));
        let looked_at = own.map(|(file, in_pages)| (files.fingerprint(&file).ok(), file, in_pages));
        let changed = looked_at.filter(|(now, _, in_pages)| in_pages.is_none() || now != in_pages);
        changed.map(|(now, file, _)| (file, now)).collect()
    }
}

/// Returns a function that makes addresses of these files by the routes of `table`, and adds the files to
/// `referenced`.
pub(super) fn addresses(
    table: Arc<Table>,
    files: Files,
    referenced: Option<Arc<ReferencedAssets>>,
) -> AssetUrl {
    Arc::new(move |path| address(&table, &files, referenced.as_deref(), path))
}

fn address(
    table: &Table,
    files: &Files,
    referenced: Option<&ReferencedAssets>,
    path: &str,
) -> Result<String, String> {
    let encoded = utf8_percent_encode(path, IN_PATH);
    let written =
        if path.starts_with('/') { encoded.to_string() } else { format!("{ASSETS}{encoded}") };
    let url = CanonicalPath::new(&written)
        .map_err(|error| format!("`{path}` is not a path of a file: {error}"))?;
    let (route, file) = file_at(table, url.as_str()).ok_or_else(|| {
        format!(
            "no route of dispatch.conf sends a file for {url}; write one with \
             path = \"{ASSETS}{{*path}}\" and files = \"assets\", or name the whole address, as in \
             asset(path=\"/images/weir.png\")"
        )
    })?;
    let fingerprint = files.fingerprint(&file).map_err(|error| error.to_string())?;
    if let Some(referenced) = referenced
        && !files.is_overlaid(&file)
    {
        referenced.note(&file, fingerprint);
    }
    let fixed = fingerprint.insert_into(url.as_str());
    let fixed_file = fingerprint.insert_into(&file);
    // A route may be for this one name only.
    let leads_there = file_at(table, &fixed)
        .is_some_and(|(other, file)| Arc::ptr_eq(&other, &route) && file == fixed_file);
    Ok(if leads_there { fixed } else { url.as_str().to_owned() })
}

/// Returns the route that sends a file for this path, and the file.
fn file_at(table: &Table, path: &str) -> Option<(Arc<Route>, String)> {
    let path = CanonicalPath::new(path).ok()?;
    match table.resolve(&Method::GET, path) {
        Resolution::Route(found) => Some((Arc::clone(found.route), found.file()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Overlaid, OverlaidFile, Overlay};
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    const ROUTES: &str = r#"
        [[route]]
        path = "/assets/{*path}"
        files = "public"

        [[route]]
        path = "/images/{*path}"
        alias = "/assets/images/{path}"

        [[route]]
        path = "/favicon.ico"
        files = "public/favicon.ico"

        [[route]]
        pattern = '^/old/(?<name>[a-z]+\.css)$'
        files = "public"

        [[route]]
        path = "/page"
        template = "page.html"
    "#;

    fn site() -> (tempfile::TempDir, AssetUrl) {
        let folder = tempfile::tempdir().unwrap();
        let public = folder.path().join("public");
        fs::create_dir_all(public.join("images")).unwrap();
        for name in ["site.css", "favicon.ico", "a b é.css", "images/weir.png"] {
            fs::write(public.join(name), "x").unwrap();
        }
        let table = Arc::new(Table::parse(ROUTES, "dispatch.conf").unwrap());
        let address = addresses(table, Files::below(folder.path()), None);
        (folder, address)
    }

    /// Returns a function that makes addresses of these files, and the files that it has recorded.
    fn noting(files: &Files) -> (AssetUrl, Arc<ReferencedAssets>) {
        let table = Arc::new(Table::parse(ROUTES, "dispatch.conf").unwrap());
        let referenced = Arc::new(ReferencedAssets::default());
        (addresses(table, files.clone(), Some(Arc::clone(&referenced))), referenced)
    }

    #[test]
    fn a_referenced_file_is_outdated_when_its_fingerprint_is_no_longer_the_one_in_a_page() {
        let (folder, _) = site();
        let path = |name: &str| folder.path().join("public").join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        let files = Files::below(folder.path());
        let (address, referenced) = noting(&files);
        let outdated = || referenced.outdated(&files).into_keys().collect::<Vec<_>>();
        let first = address("site.css").unwrap();
        write("favicon.ico", "y");
        assert_eq!(outdated(), [""; 0], "no page contains the other one");
        write("site.css", "yy");
        assert_eq!(outdated(), ["public/site.css"]);
        write("site.css", "x");
        assert_eq!(outdated(), [""; 0], "it is what it was");
        fs::remove_file(path("site.css")).unwrap();
        assert_eq!(referenced.outdated(&files)["public/site.css"], None);
        write("site.css", "yy");
        let second = address("site.css").unwrap();
        assert_ne!(first, second);
        for text in ["yy", "x"] {
            write("site.css", text);
            assert_eq!(outdated(), ["public/site.css"], "two pages contain different fingerprints");
        }
    }

    /// An overlay with all files, once it is set.
    #[derive(Debug, Default)]
    struct Synchronized(AtomicBool);

    impl Overlay for Synchronized {
        fn find(&self, _: &str) -> Overlaid {
            if !self.0.load(Ordering::SeqCst) {
                return Overlaid::Nothing;
            }
            Overlaid::File(OverlaidFile {
                tag: http::HeaderValue::from_static("\"1\""),
                fingerprint: Fingerprint::of_hash([1; 8]),
                length: 1,
                modified: None,
                hash: [1; 32],
                is_here: true,
                open: Box::new(|| Err(std::io::ErrorKind::NotFound.into())),
            })
        }
    }

    #[test]
    fn an_overlaid_file_is_not_recorded() {
        let (folder, _) = site();
        let synchronized = Arc::new(Synchronized::default());
        let files = Files::below(folder.path()).behind(synchronized.clone());
        let (address, referenced) = noting(&files);
        address("site.css").unwrap();
        fs::write(folder.path().join("public/site.css"), "yy").unwrap();
        assert_eq!(referenced.outdated(&files).len(), 1);
        synchronized.0.store(true, Ordering::SeqCst);
        assert_eq!(referenced.outdated(&files).len(), 0, "it belongs to the log by now");
        let (address, referenced) = noting(&files);
        assert!(address("site.css").unwrap().contains(".0101010101010101."));
        assert!(referenced.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_address_has_the_fingerprint_where_the_route_takes_it() {
        let (folder, address) = site();
        let fingerprint = &format!("{:032x}", xxhash_rust::xxh3::xxh3_128(b"x"))[..16];
        for (path, expected) in [
            ("site.css", format!("/assets/site.{fingerprint}.css")),
            ("/assets/site.css", format!("/assets/site.{fingerprint}.css")),
            ("a b é.css", format!("/assets/a%20b%20%C3%A9.{fingerprint}.css")),
            ("images/weir.png", format!("/assets/images/weir.{fingerprint}.png")),
            ("/images/weir.png", format!("/images/weir.{fingerprint}.png")),
            ("/favicon.ico", "/favicon.ico".to_owned()),
            ("/old/site.css", "/old/site.css".to_owned()),
        ] {
            assert_eq!(address(path).unwrap(), expected, "{path}");
        }
        fs::write(folder.path().join("public/site.css"), "y").unwrap();
        let changed = address("site.css").unwrap();
        assert!(!changed.contains(fingerprint) && changed.len() == "/assets/site..css".len() + 16);
    }

    #[test]
    fn a_missing_file_is_an_error_with_advice() {
        let (folder, address) = site();
        let public = folder.path().join("public").display().to_string();
        for (path, expected) in [
            (
                "sites.css",
                format!(
                    "there is no file `public/sites.css` in {public}; did you mean `site.css`?"
                ),
            ),
            ("/page", "no route of dispatch.conf sends a file for /page".to_owned()),
            ("/none", "no route of dispatch.conf sends a file for /none".to_owned()),
            (
                "../secret.txt",
                "is not a path of a file: the path contains a dot segment".to_owned(),
            ),
            ("", "no route of dispatch.conf sends a file for /assets/".to_owned()),
        ] {
            let error = address(path).unwrap_err();
            assert!(error.contains(&expected), "{path}: {error}");
        }
    }
}
