//! Running the binary in an empty home.

use std::{
    ffi::OsStr,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// An empty home, and the binary in it.
pub(crate) struct Home {
    folder: TempDir,
}

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// An empty home with this configuration file.
    pub(crate) fn configured(text: &str) -> Self {
        let home = Self::new();
        let folder = home.path(".config/branchwork");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path(".local/share/branchwork/branchwork.db")
    }

    /// The binary with nothing in its environment but this home.
    pub(crate) fn command(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_branchwork"));
        command.env_clear().env("HOME", self.folder.path()).current_dir(self.folder.path());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(&self.command(arguments).output().unwrap())
    }

    /// Runs it with `input` piped in.
    pub(crate) fn run_with(&self, input: &[u8], arguments: &[&str]) -> Ran {
        run_with(self.command(arguments), input)
    }

    /// Runs it and reads the object that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Makes the session `trip` with three messages.
    pub(crate) fn with_trip() -> Self {
        let home = Self::new();
        for (role, text) in [("system", "Be brief."), ("user", "Warm?"), ("assistant", "Rome.")] {
            home.json(&["append", "trip", "--create", "--role", role, text]);
        }
        home
    }

    /// The texts of a branch, oldest first.
    pub(crate) fn texts(&self, place: &str) -> Vec<String> {
        let log = self.json(&["log", place]);
        let messages = log["messages"].as_array().unwrap().iter();
        messages.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    }

    /// The identifiers of the messages of a branch, oldest first.
    pub(crate) fn ids(&self, place: &str) -> Vec<String> {
        let log = self.json(&["log", place]);
        let messages = log["messages"].as_array().unwrap().iter();
        messages.map(|message| message["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl Ran {
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Checks that it failed as documented: the code, one line that says why, no panic.
    pub(crate) fn fails(&self, code: i32, what: &str) {
        assert_eq!(self.code, code, "{what}: {self:?}");
        let errors = self.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{what}: one line says why: {self:?}");
        let others =
            self.err.lines().all(|line| line.starts_with("error: ") || line.starts_with("hint: "));
        assert!(others, "{what}: nothing else is said: {self:?}");
    }
}

/// Runs `command` with `input` piped in.
pub(crate) fn run_with(mut command: Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may refuse its input before it has read it all.
    drop(child.stdin.take().unwrap().write_all(input));
    Ran::new(&child.wait_with_output().unwrap())
}

/// The first characters of an identifier.
pub(crate) fn prefix(id: &str) -> String {
    id.chars().take(12).collect()
}

pub(crate) fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
