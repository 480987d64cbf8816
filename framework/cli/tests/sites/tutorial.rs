//! The tutorial of the guide, executed command by command: the Markdown is the script.
//!
//! In a block `console`, each line that begins with `$ ` is executed, and the lines below it are its expected output
//! on stdout; `…` matches any text. A block `diff` changes a file. `dev` is started on a free port, which replaces
//! the one in the page; commands that request a page from it are retried while the program is being built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Running, Workshop, command, prepare, root};

/// The time limit for a page to become as expected.
const PATIENCE: Duration = Duration::from_secs(300);

/// A reader who follows the page.
struct Reader {
    workshop: Workshop,
    folder: PathBuf,
    dev: Option<Running>,
}

/// Returns whether `text` matches `pattern`, in which `…` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('…') {
        None => text == pattern,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
            places.into_iter().any(|place| is_like(&text[place..], rest))
        }),
    }
}

impl Reader {
    fn does(&mut self, line: &str, expected: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            // The program is built already.
            ["cargo", "install", ..] => {}
            ["cd", folder] => self.folder.push(folder),
            ["cargo", "run", "--", "dev"] => {
                let mut dev = command("cargo", &self.folder);
                dev.args(["run", "--", "dev", "--port", "0"])
                    .env("HEADWATER_ADMIN__LISTEN", "127.0.0.1:0");
                self.dev = Some(Running::start(dev));
            }
            _ => {
                let start = Instant::now();
                let reads = words[0] == "curl" && !words.contains(&"-d");
                let said = loop {
                    let said = self.output_of(line);
                    let is_so = expected.is_empty() || is_like(said.trim(), expected.trim());
                    if is_so || !reads || start.elapsed() > PATIENCE {
                        break said;
                    }
                    thread::sleep(Duration::from_millis(200));
                };
                assert!(
                    expected.is_empty() || is_like(said.trim(), expected.trim()),
                    "{line}\nsays\n{said}\nand not\n{expected}"
                );
                if let ["headwater", "new", name, ..] = words[..] {
                    prepare(&self.folder.join(name));
                }
            }
        }
    }

    /// Returns the output of a command, which must succeed.
    fn output_of(&self, line: &str) -> String {
        let line = match &self.dev {
            Some(dev) => line.replace("127.0.0.1:8000", &dev.address.to_string()),
            None => line.to_owned(),
        };
        let mut shell = command("sh", &self.folder);
        let programs = Path::new(env!("CARGO_BIN_EXE_headwater")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", programs.display()));
        shell.env("GIT_CEILING_DIRECTORIES", self.workshop.folder());
        let output = shell.arg("-c").arg(&line).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        let reads = line.starts_with("curl");
        assert!(
            output.status.success() || reads,
            "{line}: {}\n{said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// Applies a diff to the file that it names.
    fn changes(&self, diff: &str) {
        let (name, lines) = diff.strip_prefix("--- ").unwrap().split_once('\n').unwrap();
        let side = |other: char| {
            let lines = lines.lines().filter(|line| !line.starts_with(other));
            lines.map(|line| format!("{}\n", &line[1..])).collect::<String>()
        };
        let (old, new) = (side('+'), side('-'));
        let file = self.folder.join(name);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(&old).count(), 1, "{name} has not once\n{old}");
        fs::write(file, text.replace(&old, &new)).unwrap();
    }
}

#[test]
fn the_tutorial_can_be_followed_command_by_command() {
    let workshop = Workshop::new();
    std::os::unix::fs::symlink(root(), workshop.folder().join("headwater")).unwrap();
    let folder = workshop.folder().to_owned();
    let mut reader = Reader { workshop, folder, dev: None };
    let page = fs::read_to_string(root().join("docs/guide/tutorial.md")).unwrap();
    let mut commands = 0;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "console" => {
                for part in format!("\n{text}\n").split("\n$ ").skip(1) {
                    let (line, expected) = part.split_once('\n').unwrap_or((part, ""));
                    reader.does(line, expected);
                    commands += 1;
                }
            }
            "diff" => reader.changes(text),
            other => panic!("what is a block in `{other}`?"),
        }
    }
    assert!(commands > 15, "{commands}");
}
