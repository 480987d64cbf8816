use clap::Parser;

use super::blocks::{self, Block};
use crate::cli::Arguments;
use crate::config::Config;

/// The third-party programs that the guide uses.
const OTHERS: [&str; 17] = [
    "cargo",
    "cat",
    "cd",
    "cp",
    "curl",
    "echo",
    "for",
    "git",
    "headwater",
    "kill",
    "ls",
    "ln",
    "mkdir",
    "mv",
    "rsync",
    "systemctl",
    "sudo",
];

/// Splits a command into words, up to a redirection, a pipe or another operator of the shell.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quote = None;
    let mut in_word = false;
    for letter in command.chars() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            (letter, Some(_)) => words.last_mut().unwrap().push(letter),
            ('#', None) if !in_word => break,
            ('|' | '>' | '&' | ';', None) => break,
            (letter, None) if letter.is_whitespace() => in_word = false,
            (letter, None) => {
                if !in_word {
                    words.push(String::new());
                }
                in_word = true;
                match letter {
                    '\'' | '"' => quote = Some(letter),
                    letter => words.last_mut().unwrap().push(letter),
                }
            }
        }
    }
    words
}

/// Checks a command with the variables that precede it.
fn check(block: &Block, command: &str) {
    let mut words = words(command);
    if words.first().is_some_and(|word| word == "export") {
        words.remove(0);
    }
    let is_variable = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
    };
    let program = words.iter().position(|word| !is_variable(word)).unwrap_or(words.len());
    let variables = words[..program].iter().filter_map(|word| word.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let file = tempfile::NamedTempFile::new().unwrap();
    // Ports that are open to other machines need a secret, and no unit contains one.
    let secrets = "[link]\nsecret = \"sesame\"\n[admin]\nsecret = \"sesame\"\n";
    std::fs::write(file.path(), secrets).unwrap();
    let loaded = Config::load(
        Some(file.path()),
        variables.filter(|(name, _)| name.starts_with("HEADWATER_")),
    );
    loaded.unwrap_or_else(|problems| panic!("{block}: {command}\n{problems}"));

    let words = &words[program..];
    let Some(name) = words.first() else { return };
    let arguments = match name.rsplit('/').next().unwrap() {
        "guestbook" | "potluck" => &words[1..],
        "cargo" if words.get(1).is_some_and(|word| word == "run") => {
            match words.iter().position(|word| word == "--") {
                Some(dashes) => &words[dashes + 1..],
                None => return,
            }
        }
        name => return assert!(OTHERS.contains(&name), "{block}: what is `{name}`?"),
    };
    let arguments = std::iter::once("guestbook").chain(arguments.iter().map(String::as_str));
    if let Err(error) = Arguments::try_parse_from(arguments) {
        panic!("{block}: {command}\n{error}");
    }
}

#[test]
fn every_command_of_the_guide_can_be_parsed() {
    for block in blocks::in_language("console") {
        let commands: Vec<&str> =
            block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        assert!(!commands.is_empty(), "{block}: no line begins with `$ `");
        for command in commands {
            check(&block, command);
        }
    }
}

#[test]
fn every_unit_starts_the_program_with_valid_arguments() {
    for block in blocks::in_language("ini") {
        for line in block.text.lines() {
            if let Some(command) = line.strip_prefix("ExecStart=") {
                check(&block, command);
            }
            if let Some(variables) = line.strip_prefix("Environment=") {
                check(&block, variables);
            }
        }
    }
}
