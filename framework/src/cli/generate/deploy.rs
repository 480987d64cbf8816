use super::plan::Plan;

const COMPOSE: &str = include_str!("files/deploy/compose.yaml");
const PROXY: &str = include_str!("files/deploy/nginx.conf");

/// Plans containers for several nodes behind a proxy.
pub(super) fn plan(plan: &mut Plan) {
    let name = plan.site_name();
    // An unpublished framework is built from its repository, as in the Dockerfile.
    let dockerfile = plan.text("Dockerfile");
    let repository = dockerfile.split_whitespace().find_map(|word| word.strip_prefix("headwater="));
    let contexts = repository.map_or_else(String::new, |repository| {
        format!("\n      additional_contexts:\n        headwater: {repository}")
    });
    let filled = |text: &str| text.replace("@name@", &name).replace("@contexts@", &contexts);
    plan.create("compose.yaml", filled(COMPOSE));
    plan.create("deploy/nginx.conf", filled(PROXY));
    plan.append(".gitignore", "/deploy/tls", "keep deploy/tls out of git");
    plan.note("put the certificate and its key into deploy/tls, as site.pem and site.key");
    if !plan.has("Dockerfile") {
        plan.note("the containers are built by a Dockerfile, as `headwater new` writes it");
    }
}
