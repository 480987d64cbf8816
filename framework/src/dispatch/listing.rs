use std::fmt;

use http::{HeaderValue, Method};
use serde::Serialize;

use super::route::Target;
use super::table::Table;

/// The headings of the columns.
const HEAD: [&str; 8] =
    ["METHODS", "PATH", "TARGET", "CACHE", "BROWSER", "CDN", "NAME", "WRITTEN AT"];

/// Formats the table for people: one route per line, in the order of matching, then the error
/// pages. Empty columns are left out.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<[String; HEAD.len()]> = Vec::new();
        for route in self.routes() {
            let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
            let cache = match route.target {
                // The target route determines the caching.
                Target::Alias(_) => String::new(),
                _ if route.cache_statuses.is_empty() => route.cache.to_string(),
                _ => format!("{}, {}", route.cache, route.cache_statuses),
            };
            rows.push([
                methods.join(","),
                route.path(),
                route.target.to_string(),
                cache,
                text(route.browser.as_ref()),
                text(route.cdn.as_ref()),
                route.name.clone().unwrap_or_default(),
                route.location.to_string(),
            ]);
        }
        for page in self.pages.iter().flat_map(|scope| &scope.pages) {
            rows.push([
                "error".to_owned(),
                page.status.as_u16().to_string(),
                format!("template {}", page.template),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                page.location.to_string(),
            ]);
        }
        let is_filled =
            |column: &usize| rows.is_empty() || rows.iter().any(|row| !row[*column].is_empty());
        let columns: Vec<usize> = (0..HEAD.len()).filter(is_filled).collect();
        rows.insert(0, HEAD.map(str::to_owned));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in &rows {
            for column in &columns {
                match column + 1 == HEAD.len() {
                    true => writeln!(f, "{}", row[*column])?,
                    false => write!(f, "{:width$}  ", row[*column], width = widths[*column])?,
                }
            }
        }
        Ok(())
    }
}

/// A route in the JSON output.
#[derive(Serialize)]
struct Listed {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    methods: Vec<String>,
    path: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    file: String,
    line: usize,
}

impl Table {
    /// Returns the routes in the order of matching, as JSON.
    pub(crate) fn to_json(&self) -> String {
        let routes = self.routes().into_iter().map(|route| Listed {
            name: route.name.clone(),
            methods: route.methods.iter().map(Method::to_string).collect(),
            path: route.path(),
            target: route.target.to_string(),
            cache: match route.target {
                Target::Alias(_) => None,
                _ => Some(route.cache.to_string()),
            },
            file: route.location.file.display().to_string(),
            line: route.location.line,
        });
        let routes: Vec<Listed> = routes.collect();
        // Texts and numbers always serialize.
        serde_json::to_string_pretty(&routes).unwrap_or_default()
    }
}

fn text(value: Option<&HeaderValue>) -> String {
    let value = value.and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
