//! What `asset(path=…)` gives: the address of a docroot's file, with its fingerprint.

use std::sync::Arc;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dispatch::{CanonicalPath, Resolution, Route, Table};
use crate::http::files::Files;
use crate::templates::AssetUrl;

/// Where assets are, if their paths do not say it.
const ASSETS: &str = "/assets/";

/// What is encoded in a path; the canonical spelling decodes again what need not be.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/');

/// Makes addresses of these files by the routes of `table`.
pub(super) fn addresses(table: Arc<Table>, files: Files) -> AssetUrl {
    Arc::new(move |path| address(&table, &files, path))
}

fn address(table: &Table, files: &Files, path: &str) -> Result<String, String> {
    let encoded = utf8_percent_encode(path, IN_PATH);
    let written =
        if path.starts_with('/') { encoded.to_string() } else { format!("{ASSETS}{encoded}") };
    let url = CanonicalPath::new(&written)
        .map_err(|error| format!("`{path}` is no path of a file: {error}"))?;
    let (route, file) = file_at(table, url.as_str()).ok_or_else(|| {
        format!(
            "no route of dispatch.conf sends a file for {url}; write one with \
             path = \"{ASSETS}{{*path}}\" and files = \"assets\", or name the whole address, as in \
             asset(path=\"/images/weir.png\")"
        )
    })?;
    let fingerprint = files.fingerprint(&file).map_err(|error| error.to_string())?;
    let fixed = fingerprint.insert_into(url.as_str());
    let fixed_file = fingerprint.insert_into(&file);
    // A route may be for this one name only.
    let leads_there = file_at(table, &fixed)
        .is_some_and(|(other, file)| Arc::ptr_eq(&other, &route) && file == fixed_file);
    Ok(if leads_there { fixed } else { url.as_str().to_owned() })
}

/// The route that sends a file for this path, and the file.
fn file_at(table: &Table, path: &str) -> Option<(Arc<Route>, String)> {
    let path = CanonicalPath::new(path).ok()?;
    match table.resolve(&Method::GET, &path) {
        Resolution::Route(found) => Some((Arc::clone(found.route), found.file()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        let address = addresses(table, Files::below(folder.path()));
        (folder, address)
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
    fn what_is_not_there_is_an_error_that_says_what_to_write() {
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
            ("../secret.txt", "is no path of a file: the path holds a dot segment".to_owned()),
            ("", "no route of dispatch.conf sends a file for /assets/".to_owned()),
        ] {
            let error = address(path).unwrap_err();
            assert!(error.contains(&expected), "{path}: {error}");
        }
    }
}
