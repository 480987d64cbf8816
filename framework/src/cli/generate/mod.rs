//! `generate`: writes code into a site, in builds with debug assertions.
//!
//! Each kind makes a [`Plan`] of the new files and of the few lines to insert into existing ones ([`edits`]). A plan
//! is written as a whole, and only if it has no problems. [`words`] derives the names from one word of the command
//! line, [`field`] parses the fields of a row. The text templates are in `files`.

mod auth;
mod controller;
mod deploy;
mod edits;
mod field;
mod locale;
mod plan;
mod scaffold;
mod table;
mod words;

use std::path::Path;

use clap::{Args, Subcommand};

use field::Field;
use plan::Plan;
use scaffold::Owned;
use words::Words;

use crate::config::Config;
use crate::problem::Problems;

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Only show what would be written
    #[arg(long, global = true)]
    dry_run: bool,
    #[command(subcommand)]
    what: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// A module of controllers, each with a template and a route
    Controller {
        /// The subject, as in `pages`
        name: String,
        /// The controllers, as in `about contact`
        #[arg(required = true)]
        actions: Vec<String>,
    },
    /// A table and its updates
    Table(Named),
    /// A table with pages: list, detail, forms, feed, tests
    Scaffold {
        #[command(flatten)]
        named: Named,
        /// Each row belongs to the account that has created it, and only this account may change it: for a site with
        /// `auth`
        #[arg(long)]
        owned: bool,
    },
    /// Accounts: signing up, in and out, and forgotten passwords
    Auth,
    /// The texts of another language, for translation
    Locale {
        /// The language, as a BCP 47 tag, as in `de` or `pt-BR`
        tag: String,
    },
    /// Containers: a back end, two front ends, and a proxy in front
    Deploy,
}

#[derive(Debug, Args)]
struct Named {
    /// The name of a row, in the singular, as in `story`
    name: String,
    /// Fields, as in `title:line body:text picture:image? tags:list`: the types are line, text, number, flag, email,
    /// url, date, list and image; `?` makes one optional
    #[arg(required = true)]
    fields: Vec<String>,
    /// The plural of the name, if it is not the singular with an s
    #[arg(long)]
    plural: Option<String>,
}

impl Named {
    fn read(&self) -> Result<(Words, Vec<Field>), Problems> {
        let mut problems = Problems::new();
        let words = Words::new(&self.name, self.plural.as_deref());
        let words = words.map_err(|problem| problems.push(problem)).ok();
        let fields = Field::read_all(&self.fields).map_err(|found| problems.extend(found)).ok();
        match (words, fields) {
            (Some(words), Some(fields)) => problems.or((words, fields)),
            _ => Err(problems),
        }
    }
}

/// Generates code for the site with its project.toml at `path`, or in the current folder, and returns a report.
pub(super) fn run(
    generate: &Generate,
    path: Option<&Path>,
    config: &Config,
) -> Result<String, Problems> {
    let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let mut plan = Plan::new(folder, config)?;
    match &generate.what {
        Kind::Controller { name, actions } => controller::plan(&mut plan, name, actions)?,
        Kind::Table(named) => {
            let (words, fields) = named.read()?;
            table::plan(&mut plan, &words, &fields);
        }
        Kind::Scaffold { named, owned } => {
            let (words, fields) = named.read()?;
            let owned = if *owned { Owned::Yes } else { Owned::No };
            scaffold::plan(&mut plan, &words, &fields, owned)?;
        }
        Kind::Auth => auth::plan(&mut plan),
        Kind::Locale { tag } => locale::plan(&mut plan, tag)?,
        Kind::Deploy => deploy::plan(&mut plan),
    }
    plan.carry_out(generate.dry_run)
}
