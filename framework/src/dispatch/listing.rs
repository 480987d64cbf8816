use std::fmt;

use http::Method;

use super::route::Target;
use super::table::Table;

/// The table as it is matched, for people: one route a line, in the order of matching, then the
/// error pages.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<[String; 6]> = Vec::new();
        for route in self.routes() {
            let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
            let cache = match route.target {
                // How its content is cached is the matter of the route that it leads to.
                Target::Alias(_) => String::new(),
                _ if route.cache_statuses.is_empty() => route.cache.to_string(),
                _ => format!("{}, {}", route.cache, route.cache_statuses),
            };
            rows.push([
                methods.join(","),
                route.path(),
                route.target.to_string(),
                cache,
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
                page.location.to_string(),
            ]);
        }
        let head = ["METHODS", "PATH", "TARGET", "CACHE", "NAME", "WRITTEN AT"].map(str::to_owned);
        rows.insert(0, head);
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: [usize; 6] = std::array::from_fn(|column| width(column).unwrap_or(0));
        for row in &rows {
            let (last, cells) = row.split_last().unwrap_or((&row[0], &[]));
            for (cell, width) in cells.iter().zip(widths) {
                write!(f, "{cell:width$}  ")?;
            }
            writeln!(f, "{last}")?;
        }
        Ok(())
    }
}
