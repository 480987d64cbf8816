//! `headwater`: makes new sites.
//!
//! [`site`] contains the files of a new site and writes them; [`name`] checks its name; [`framework`] finds the
//! framework for the site. The site's own program has the other commands (`serve`, `check`, `generate`, …): in a
//! site's folder `headwater check` stands for `cargo run -- check`.

mod framework;
mod name;
mod site;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

use framework::Framework;
use name::SiteName;
use site::Repository;

#[derive(Debug, Parser)]
#[command(
    about = "Makes new sites",
    version,
    disable_help_subcommand = true,
    after_help = "In a site's folder it takes the site's own commands too: `headwater dev` is `cargo run -q -- dev`, and \
                  `cargo run -- --help` lists them."
)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a new site in a folder of its own
    New(New),
    /// Run a command of the site in this folder, as in `headwater check`
    #[command(external_subcommand)]
    OfSite(Vec<OsString>),
}

#[derive(Debug, clap::Args)]
struct New {
    /// The folder to make; its last part is the site's name, as in my-site
    name: PathBuf,
    /// The folder of Headwater's repository, until it is published
    #[arg(long, value_name = "DIR")]
    path_to_framework: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Task::New(new) => make(&new).map(|()| ExitCode::SUCCESS),
        Task::OfSite(arguments) => of_site(&arguments),
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("{message}");
        ExitCode::FAILURE
    })
}

/// Makes a new site.
fn make(new: &New) -> Result<(), String> {
    let name = SiteName::of_folder(&new.name)?;
    let framework = Framework::find(new.path_to_framework.as_deref())?;
    let repository = site::write(&new.name, &name, &framework)?;
    match repository {
        Repository::New | Repository::Around => {}
        Repository::None(reason) => {
            eprintln!("note: no git repository was made ({reason}); run `git init` there");
        }
    }
    println!("{} is ready. Next:\n", new.name.display());
    println!("    cd {}", shown(&new.name));
    println!("    cargo run -- dev\n\nThe first build takes some minutes.");
    Ok(())
}

/// Runs the program of the site in this folder with these arguments.
fn of_site(arguments: &[OsString]) -> Result<ExitCode, String> {
    let command = arguments.first().map(|command| command.to_string_lossy()).unwrap_or_default();
    if !Path::new("Cargo.toml").exists() || !Path::new("dispatch.conf").exists() {
        return Err(format!(
            "`{command}` is a command of a site, and this folder is not one: go to the folder with its \
             Cargo.toml and dispatch.conf, or make one with `headwater new NAME`"
        ));
    }
    let status = Command::new("cargo").args(["run", "--quiet", "--"]).args(arguments).status();
    let status = status.map_err(|error| {
        format!("cargo cannot be started: {error}; install Rust from https://rustup.rs")
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Formats a path for a shell.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
    match text.chars().all(plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
