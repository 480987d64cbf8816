use super::plan::Plan;
use super::words::{heading, identifier};
use crate::problem::{Problem, Problems};

const TEMPLATE: &str = include_str!("files/action.html");

/// Plans a module of controllers, each with a template and a route.
pub(super) fn plan(plan: &mut Plan, name: &str, actions: &[String]) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let name = identifier(name).map_err(|problem| problems.push(problem)).unwrap_or_default();
    let mut known: Vec<String> = Vec::new();
    for action in actions {
        match identifier(action) {
            Ok(action) if known.contains(&action) => {
                problems.push(Problem::new(format!("`{action}` is named twice; leave one out")));
            }
            Ok(action) => known.push(action),
            Err(problem) => problems.push(problem),
        }
    }
    problems.or(())?;
    let label = heading(&name);
    let mut code = format!("//! {label}.\n\nuse headwater::prelude::*;\n");
    let mut routes = format!("# {label}.\n");
    let mut texts = format!("# {label}.\n\n{name} =\n");
    for action in &known {
        code += &format!(
            "\n/// {}.\n#[controller(\"{name}.{action}\")]\npub async fn {action}() -> Reply {{\n    \
             template!(\"{name}/{action}.html\")\n}}\n",
            heading(action)
        );
        let path = format!("/{name}/{action}").replace('_', "-");
        routes += &format!(
            "\n[[route]]\nname = \"{name}.{action}\"\npath = \"{path}\"\ncontroller = \"{name}.{action}\"\nquery = []\n"
        );
        texts += &format!("    .{action} = {}\n", heading(action));
        plan.template(
            &format!("{name}/{action}.html"),
            TEMPLATE.replace("@key@", &format!("{name}.{action}")),
        );
    }
    plan.create(format!("src/{name}.rs"), code);
    plan.texts(&name, texts);
    plan.routes(&name, routes);
    let known: Vec<String> = known.iter().map(|action| format!("{name}::{action}")).collect();
    plan.module(&name, &[format!(".controllers(controllers![{}])", known.join(", "))]);
    Ok(())
}
