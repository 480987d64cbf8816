use super::field::Field;
use super::plan::Plan;
use super::scaffold::Owned;
use super::words::Words;

const TABLE: &str = include_str!("files/table.rs.in");

/// Plans a table in a module of its own.
pub(super) fn plan(plan: &mut Plan, words: &Words, fields: &[Field]) {
    plan.create(format!("src/{}.rs", words.many), text(words, fields, Owned::No));
    let state = format!(".state::<{}::{}>()", words.many, words.type_of_many());
    plan.module(&words.many, &[state]);
}

/// Returns the code of a table.
pub(super) fn text(words: &Words, fields: &[Field], owned: Owned) -> String {
    let declared: Vec<String> = fields
        .iter()
        .map(|field| {
            format!("    /// {}\n    pub {}: {},\n", field.doc(), field.name, field.rust())
        })
        .collect();
    let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
    words
        .filled(&owned.table(TABLE))
        .replace("@declared@\n", &declared.concat())
        .replace("@names@", &names.join(", "))
}
