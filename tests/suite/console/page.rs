//! The pages that a reader of the repository meets, and the fenced blocks in them.
//!
//! In: README.md, CONTRIBUTING.md and docs/*.md. Out: their commands with the output they show,
//! the languages of their blocks, and their prose.

use std::path::{Path, PathBuf};

/// A page by its path in the repository.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A command of a console block. Lines count from 1.
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) script: String,
    /// The lines shown below it, and where they begin.
    pub(crate) expected: Vec<String>,
    first_expected: usize,
}

impl Command {
    /// Whether it prints the exit code of the one before.
    pub(crate) fn shows_status(&self) -> bool {
        self.script == "echo $?"
    }
}

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// README.md, CONTRIBUTING.md and docs/, in this order.
pub(crate) fn all() -> Vec<Page> {
    let mut docs: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().display()))
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"))
        .collect();
    docs.sort_unstable();
    let names = ["README.md", "CONTRIBUTING.md"].map(str::to_owned);
    names.into_iter().chain(docs).map(Page::read).collect()
}

impl Page {
    fn read(name: String) -> Page {
        let text = std::fs::read_to_string(root().join(&name)).unwrap();
        Page { name, text }
    }

    /// Every line with its number, and the language of the block that it is in; the fences too.
    fn lines(&self) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
        let mut block = None;
        self.text.lines().enumerate().map(move |(index, line)| {
            let fence = line.strip_prefix("```");
            let within = block;
            match (fence, block) {
                (Some(language), None) => block = Some(language),
                (Some(_), Some(_)) => block = None,
                (None, _) => {}
            }
            (index + 1, line, within.or(block))
        })
    }

    /// The language of every block with the line where it begins.
    pub(crate) fn languages(&self) -> Vec<(usize, &str)> {
        let mut is_within = false;
        let mut found = Vec::new();
        for (number, _, block) in self.lines() {
            if let (Some(language), false) = (block, is_within) {
                found.push((number, language));
            }
            is_within = block.is_some();
        }
        found
    }

    /// What is no code: the lines outside of blocks.
    pub(crate) fn prose(&self) -> String {
        let outside = self.lines().filter(|(.., block)| block.is_none());
        outside.map(|(_, line, _)| format!("{line}\n")).collect()
    }

    /// The commands of all console blocks.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let shown = self
            .lines()
            .filter(|(_, line, block)| *block == Some("console") && !line.starts_with("```"));
        for (number, line, _) in shown {
            if let Some(script) = line.strip_prefix("$ ") {
                commands.push(Command {
                    line: number,
                    script: script.trim_end().to_owned(),
                    expected: Vec::new(),
                    first_expected: number + 1,
                });
                continue;
            }
            let command = commands.last_mut().expect("a block begins with a command");
            match line.strip_prefix("> ") {
                Some(more) if command.expected.is_empty() => {
                    command.script += &format!("\n{more}");
                    command.first_expected = number + 1;
                }
                _ => command.expected.push(line.to_owned()),
            }
        }
        // An empty line before the next command only sets it apart.
        for command in &mut commands {
            while command.expected.last().is_some_and(|line| line.is_empty()) {
                command.expected.pop();
            }
        }
        commands
    }

    /// Writes what was printed where it differs from what is shown.
    pub(crate) fn overwrite(
        &self,
        commands: &[Command],
        printed: &[Vec<String>],
        matches: impl Fn(&[String], &[String]) -> bool,
    ) {
        let mut lines: Vec<String> = self.text.lines().map(str::to_owned).collect();
        for (command, printed) in commands.iter().zip(printed).rev() {
            if !matches(&command.expected, printed) {
                let start = command.first_expected - 1;
                let end = start + command.expected.len();
                lines.splice(start..end, printed.iter().cloned());
            }
        }
        std::fs::write(root().join(&self.name), lines.join("\n") + "\n").unwrap();
    }
}
