use std::ffi::OsString;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use super::program::Launch;

/// The limit on the text that a page shows, in bytes.
const LONGEST: usize = 64 << 10;

/// A build of the site's program, with the same profile and target folder as the running one.
#[derive(Debug)]
pub(super) struct Build {
    command: Command,
}

/// A line of cargo's output, with the fields that matter here.
#[derive(Deserialize)]
struct CargoLine {
    reason: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
}

impl Build {
    pub(super) fn of(launch: &Launch) -> Build {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.args(["build", "--message-format", "json"]);
        if let Some(name) = launch.program.file_name() {
            command.arg("--bin").arg(name);
        }
        // The path of the program is TARGET/debug/NAME.
        if let Some(target) = launch.program.parent().and_then(|profile| profile.parent()) {
            command.arg("--target-dir").arg(target);
        }
        if !launch.folder.as_os_str().is_empty() {
            command.current_dir(&launch.folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Lets the compilers that cargo starts be stopped together with it.
        command.process_group(0);
        Build { command }
    }

    /// Builds the program. Messages of the compiler and cargo are copied to stderr. Dropping the future stops the
    /// build.
    ///
    /// # Errors
    /// Returns the errors, as text for a page.
    pub(super) async fn run(mut self) -> Result<(), String> {
        let mut cargo = self.command.spawn().map_err(|error| {
            format!("cargo cannot be started: {error}; install Rust from https://rustup.rs\n")
        })?;
        let mut group = Group(cargo.id());
        let (stdout, stderr) = (cargo.stdout.take(), cargo.stderr.take());
        let mut errors = String::new();
        let mut last = String::new();
        let messages = lines(stdout, |line| {
            let Ok(CargoLine { reason, message: Some(message) }) = serde_json::from_str(line)
            else {
                return;
            };
            let rendered = message.rendered.unwrap_or_default();
            if reason != "compiler-message" {
                return;
            }
            eprint!("{rendered}");
            if message.level == "error" && errors.len() < LONGEST {
                errors += &rendered;
            }
        });
        let progress = lines(stderr, |line| {
            eprintln!("{line}");
            if last.len() < LONGEST {
                last += line;
                last.push('\n');
            }
        });
        tokio::join!(messages, progress);
        let ended = cargo.wait().await;
        group.0 = None;
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(_) if !errors.is_empty() => Err(errors),
            // For example an error in Cargo.toml.
            Ok(_) => Err(last),
            Err(error) => Err(format!("cargo cannot be waited for: {error}\n")),
        }
    }
}

/// The process group of a build, terminated on drop; none once cargo has ended.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        // The processes may have ended.
        let _ = leader.map(|leader| kill_process_group(leader, Signal::TERM));
    }
}

/// Calls `take` for each line.
async fn lines(from: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&str)) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).lines();
    // Output that is not text comes from a build script, and is not for pages.
    while let Ok(Some(line)) = lines.next_line().await {
        take(&line);
    }
}
