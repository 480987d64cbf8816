use super::canonical::{CanonicalPath, encode_segment, encode_segments};
use super::capture_template::CaptureTemplate;
use super::route::{PathCondition, Route};
use super::table::Table;
use crate::problem::nearest;

/// Reason why no URL can be built for a route's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No route has this name.
    #[error("no route is named `{name}`; {}", known_names(.known, .near))]
    UnknownName {
        /// The requested name.
        name: String,
        /// The names of all routes.
        known: Vec<String>,
        /// The most similar name.
        near: Option<String>,
    },
    /// A capture of the route is missing in the parameters.
    #[error("route `{name}` is `{path}`: its parameter `{param}` is missing")]
    MissingParam {
        /// The route's name.
        name: String,
        /// The route's path or pattern.
        path: String,
        /// The capture.
        param: String,
    },
    /// The route does not match the URL built from the parameters.
    #[error("route `{name}` is `{path}`: it does not match `{url}`, which the parameters give")]
    NoMatch {
        /// The route's name.
        name: String,
        /// The route's path or pattern.
        path: String,
        /// The path that was built.
        url: String,
    },
    /// The route's pattern does not consist of literal text and captures only.
    #[error(
        "route `{name}` is the pattern `{path}`: URLs can be made only for patterns of literal \
         text and named captures; write it as a `path`, or the URL by hand"
    )]
    NotReversible {
        /// The route's name.
        name: String,
        /// The route's pattern.
        path: String,
    },
}

impl Table {
    /// Builds the URL (path and query) of the route `name`, with its captures taken from `params`. Values are
    /// percent-encoded; other parameters become the query, in the given order.
    ///
    /// # Errors
    /// Fails if the route does not exist, a capture is missing, or the URL would not resolve to the route: a value is
    /// empty, contains dot segments, or does not match the route's pattern.
    pub fn url_for<K, V>(
        &self,
        name: &str,
        params: impl IntoIterator<Item = (K, V)>,
    ) -> Result<String, UrlError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let route = self.names.get(name).map(|index| &*self.routes[*index]);
        let route = route.ok_or_else(|| self.unknown_name(name))?;
        let mut values: Vec<Option<V>> = route.captures.iter().map(|_| None).collect();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in params {
            match route.captures.iter().position(|capture| capture == key.as_ref()) {
                Some(index) => values[index] = Some(value),
                None => drop(query.append_pair(key.as_ref(), value.as_ref())),
            }
        }
        let values: Vec<&str> =
            values.iter().map(|value| value.as_ref().map_or("", V::as_ref)).collect();
        let mut url = route.reverse(name, &values)?;
        let query = query.finish();
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        Ok(url)
    }

    fn unknown_name(&self, name: &str) -> UrlError {
        let mut known: Vec<String> = self.names.keys().cloned().collect();
        known.sort_unstable();
        let near = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        UrlError::UnknownName { name: name.to_owned(), known, near }
    }
}

impl Route {
    /// Builds the path of this route, which is called `name`, with these values of its captures.
    fn reverse(&self, name: &str, values: &[&str]) -> Result<String, UrlError> {
        // Captures of a path are never empty; for a pattern, the match decides.
        let missing = values.iter().position(|value| value.is_empty());
        let missing = missing.map(|index| UrlError::MissingParam {
            name: name.to_owned(),
            path: self.path(),
            param: self.captures[index].clone(),
        });
        let fits = |path: &str| CanonicalPath::new(path).is_ok_and(|same| same.as_str() == path);
        let no_match =
            |url: String| UrlError::NoMatch { name: name.to_owned(), path: self.path(), url };
        match &self.condition {
            PathCondition::Path(path) => {
                if let Some(missing) = missing {
                    return Err(missing);
                }
                let url = fill(path.capture_template(), values, 0, path.catch_all());
                if fits(&url) { Ok(url) } else { Err(no_match(url)) }
            }
            PathCondition::Pattern { prefix, pattern } => {
                let Some(capture_template) = pattern.reverse() else {
                    return Err(UrlError::NotReversible {
                        name: name.to_owned(),
                        path: self.path(),
                    });
                };
                let start = fill(prefix.capture_template(), values, 0, None);
                let end = fill(capture_template, values, prefix.names().len(), None);
                let url = format!("{}{end}", start.trim_end_matches('/'));
                if pattern.is_match(&end) && fits(&url) {
                    return Ok(url);
                }
                // The value of a capture may consist of several segments.
                let end = capture_template.expand(|index, text| {
                    encode_segments(values[prefix.names().len() + index], text);
                });
                let url = format!("{}{end}", start.trim_end_matches('/'));
                match pattern.is_match(&end) && fits(&url) {
                    true => Ok(url),
                    false => Err(missing.unwrap_or_else(|| no_match(url))),
                }
            }
        }
    }
}

/// Fills `capture_template` with the values from `first` on; the value of the capture `catch_all` may contain slashes.
fn fill(
    capture_template: &CaptureTemplate,
    values: &[&str],
    first: usize,
    catch_all: Option<usize>,
) -> String {
    capture_template.expand(|index, text| match Some(index) == catch_all {
        true => encode_segments(values[first + index], text),
        false => encode_segment(values[first + index], text),
    })
}

fn known_names(known: &[String], near: &Option<String>) -> String {
    match (known.is_empty(), near) {
        (true, _) => "no route of dispatch.conf has a `name`".to_owned(),
        (false, Some(near)) => format!("did you mean `{near}`?"),
        (false, None) => format!("there are {}", known.join(", ")),
    }
}
