use std::ffi::OsString;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use super::program::Launch;

/// The longest text that a page shows, in bytes.
const LONGEST: usize = 64 << 10;

/// A build of the site's program, as it was built when it was started.
#[derive(Debug)]
pub(super) struct Build {
    command: Command,
}

/// What cargo says on a line, as far as it matters here.
#[derive(Deserialize)]
struct Said {
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
        // The program is at TARGET/debug/NAME.
        if let Some(target) = launch.program.parent().and_then(|profile| profile.parent()) {
            command.arg("--target-dir").arg(target);
        }
        if !launch.folder.as_os_str().is_empty() {
            command.current_dir(&launch.folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // With the compilers that it has started it is ended as one.
        command.process_group(0);
        Build { command }
    }

    /// Builds; what the compiler or cargo says is on stderr, too. When this is dropped, the build ends.
    ///
    /// # Errors
    /// What is wrong, as text for a page.
    pub(super) async fn run(mut self) -> Result<(), String> {
        let mut cargo = self.command.spawn().map_err(|error| {
            format!("cargo cannot be started: {error}; install Rust from https://rustup.rs\n")
        })?;
        let mut group = Group(cargo.id());
        let (stdout, stderr) = (cargo.stdout.take(), cargo.stderr.take());
        let mut errors = String::new();
        let mut last = String::new();
        let messages = lines(stdout, |line| {
            let Ok(Said { reason, message: Some(message) }) = serde_json::from_str(line) else {
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
            // It is about Cargo.toml, for example.
            Ok(_) => Err(last),
            Err(error) => Err(format!("cargo cannot be waited for: {error}\n")),
        }
    }
}

/// The processes of a build, which are ended when this is dropped; none when cargo has ended.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        // There may be none any more.
        let _ = leader.map(|leader| kill_process_group(leader, Signal::TERM));
    }
}

/// Hands each line to `take`.
async fn lines(from: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&str)) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).lines();
    // What is not text is of a build script, and not for pages.
    while let Ok(Some(line)) = lines.next_line().await {
        take(&line);
    }
}
