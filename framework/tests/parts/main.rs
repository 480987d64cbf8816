//! Pages with parts, in complete sites in this process.
//!
//! - `whole`: the content of a page with its parts for different visitors.
//! - `failing`: the content in place of a part that fails.
//! - `response`: the headers of the whole page.

mod failing;
mod response;
mod whole;

use headwater::app::SiteService;
use headwater::controller::Controllers;
use headwater::prelude::*;

/// A site in this process.
struct Site {
    service: SiteService,
    _folder: tempfile::TempDir,
}

/// The response to a visitor.
type Answer = http::Response<String>;

impl Site {
    /// Starts a site with these controllers, routes and templates.
    async fn open(controllers: Controllers, routes: &str, templates: &[(&str, &str)]) -> Site {
        Site::of(App::new().controllers(controllers), "", routes, templates).await
    }

    async fn of(app: App, config: &str, routes: &str, templates: &[(&str, &str)]) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        file("project.toml", config);
        file("dispatch.conf", routes);
        file("docroot/assets/legal.html", "<p>All rights reserved.</p>");
        templates.iter().for_each(|(name, text)| file(&format!("templates/{name}"), text));
        let service = app.into_service(folder.path()).await;
        Site { service: service.unwrap_or_else(|problems| panic!("{problems}")), _folder: folder }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.service.answer(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect(1 << 30).await.unwrap();
        http::Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }

    async fn get_as(&self, visitor: &str, path: &str) -> Answer {
        self.ask("GET", path, &[("cookie", &format!("name={visitor}"))]).await
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn is_hit(answer: &Answer) -> bool {
    header(answer, "cache-status").starts_with("headwater; hit")
}

fn route(path: &str, what: &str) -> String {
    format!("[[route]]\npath = \"{path}\"\n{what}\n")
}

fn routes(routes: &[(&str, &str)]) -> String {
    routes.iter().map(|(path, what)| route(path, what)).collect()
}

#[controller("greeting")]
async fn greeting(VariantName(name): VariantName) -> Reply {
    html(format!("<i>{}</i>", name.as_deref().unwrap_or("all")))
}

#[controller("badge")]
async fn badge(cookies: Cookies) -> Reply {
    html(format!("<b>{}</b>", cookies.get("name").unwrap_or("nobody")))
}
