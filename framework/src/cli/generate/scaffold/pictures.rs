use super::edits;
use crate::cli::generate::field::Field;
use crate::cli::generate::plan::Plan;

const PICTURES: &str = include_str!("../files/pictures.rs.in");

const ROUTES: &str = "# Files that visitors have sent.\n\n[[route]]\npath = \"/uploads/{*path}\"\nfiles = \"uploads\"\n";

/// The placeholders for pictures in the code of the controllers.
const WORDS: [&str; 11] = [
    "@use_pictures@",
    "@cluster@",
    "@mut@",
    "@publish@",
    "@picture@",
    "@republish@",
    "@new_picture@",
    "@remove_replaced@",
    "@delete_arguments@",
    "@old_picture@",
    "@remove_old@",
];

/// Adds the parts of the site that pictures need, once.
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

/// Fills in the placeholders for a picture, if the row has one.
pub(super) fn filled(code: &str, many: &str, picture: Option<&Field>) -> String {
    let Some(Field { name, .. }) = picture else {
        return WORDS.iter().fold(code.to_owned(), |code, word| code.replace(word, ""));
    };
    let publish =
        format!("\nlet picture = pictures::publish(form.{name}.take(), &cluster, request).await?;");
    let old = format!("\nlet old = site.{many}.get(id).or_not_found()?.{name}.clone();");
    let republish =
        format!("{old}{publish}\nlet replaced = old.clone().filter(|_| picture.is_some());");
    let texts = [
        "use crate::pictures;\n",
        "\ncluster: Cluster,\nrequest: RequestId,",
        "mut ",
        &publish,
        "picture",
        &republish,
        "picture.or(old)",
        "\npictures::remove(replaced, &cluster).await?;",
        "cluster: Cluster, ",
        &old,
        "\npictures::remove(old, &cluster).await?;",
    ];
    WORDS.iter().zip(texts).fold(code.to_owned(), |code, (word, text)| code.replace(word, text))
}
