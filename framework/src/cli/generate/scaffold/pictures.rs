use super::edits;
use crate::cli::generate::field::Field;
use crate::cli::generate::plan::Plan;

const PICTURES: &str = include_str!("../files/pictures.rs.in");

const ROUTES: &str = "# Files that visitors have sent.\n\n[[route]]\npath = \"/uploads/{*path}\"\nfiles = \"uploads\"\n";

/// What pictures need of the site, once.
pub(super) fn plan(plan: &mut Plan) {
    if plan.has("src/pictures.rs") {
        return;
    }
    plan.create("src/pictures.rs", PICTURES.to_owned());
    plan.module("pictures", &[]);
    plan.routes("uploads", ROUTES.to_owned());
    let tokio = "{ version = \"1\", features = [\"fs\", \"rt\", \"sync\"] }";
    plan.change_file("Cargo.toml", &format!("add to the dependencies: tokio = {tokio}"), |text| {
        edits::with_dependency(text, "tokio", tokio)
    });
    plan.append(".gitignore", "/docroot/uploads", "have git ignore docroot/uploads");
}

/// The code of the controllers, with what they do with a picture, if there is one.
pub(super) fn filled(code: &str, many: &str, picture: Option<&Field>) -> String {
    let Some(Field { name, .. }) = picture else {
        let words = [
            "@use_pictures@",
            "@cluster@",
            "@mut@",
            "@read_picture@",
            "@publish_picture@",
            "@old_picture@",
            "@republish_picture@",
            "@remove_replaced@",
            "@delete_arguments@",
            "@remove_old@",
        ];
        return words.iter().fold(code.to_owned(), |code, word| code.replace(word, ""));
    };
    let read = format!(
        "
    let picture = match form.{name}.take().map(|file| Picture::new(file.into_content())) {{
        Some(Err(problem)) => {{
            problems.insert(\"{name}\", problem.to_owned());
            None
        }}
        Some(Ok(picture)) => Some(picture),
        None => None,
    }};"
    );
    let publish = format!(
        "
    if let Some(picture) = picture {{
        content.{name} = Some(picture.publish(&cluster, request).await?);
    }}"
    );
    let republish = format!(
        "
    content.{name} = match picture {{
        Some(picture) => Some(picture.publish(&cluster, request).await?),
        None => old.clone(),
    }};
    let replaced = old.filter(|old| content.{name}.as_ref() != Some(old));"
    );
    let remove = |which: &str| {
        format!(
            "
    if let Some(picture) = {which} {{
        pictures::remove(&picture, &cluster).await?;
    }}"
        )
    };
    code.replace("@use_pictures@", "use crate::pictures::{self, Picture};\n\n")
        .replace("@cluster@", "\n    cluster: Cluster,\n    request: RequestId,")
        .replace("@mut@", "mut ")
        .replace("@read_picture@", &read)
        .replace("@publish_picture@", &publish)
        .replace(
            "@old_picture@",
            &format!("    let old = site.{many}.get(id).or_not_found()?.{name}.clone();\n"),
        )
        .replace("@republish_picture@", &republish)
        .replace("@remove_replaced@", &remove("replaced"))
        .replace("@delete_arguments@", "cluster: Cluster, ")
        .replace("@remove_old@", &remove("old"))
}
