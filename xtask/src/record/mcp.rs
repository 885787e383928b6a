//! The recording of turns with the tools of MCP servers: of what goes over the wire to the model, and of
//! what the servers and the engine say to each other through pipes.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    cache, node, program,
    record::{Example, engine, write},
};

/// The program of `server-everything`, and the package it is in.
const EVERYTHING: [&str; 2] =
    ["@modelcontextprotocol/server-everything@2026.8.31", "mcp-server-everything"];

/// Who and when, so that the commit is the same one whenever it is made.
const COMMIT: [(&str, &str); 8] = [
    ("GIT_AUTHOR_NAME", "Ada"),
    ("GIT_AUTHOR_EMAIL", "ada@example.com"),
    ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
    ("GIT_COMMITTER_NAME", "Ada"),
    ("GIT_COMMITTER_EMAIL", "ada@example.com"),
    ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
];

/// A server by its name, and its command.
type Server = (&'static str, Vec<OsString>);

/// Records the example `mcp_loop` with the server on `upstream`, and with MCP servers, those in Python
/// run by `python`. Answers where the recording is.
pub(crate) fn mcp_loop(upstream: u16, model: &str, python: &Path) -> Result<PathBuf> {
    let lock = cache::lock("record")?;
    let working = cache::folder()?.join("record");
    if working.exists() {
        fs::remove_dir_all(&working).with_context(|| format!("removing {}", working.display()))?;
    }
    repository(&working.join("demo"))?;
    let servers = servers(python)?;
    let tape = engine().canonicalize()?.join("tests/tape.py");
    let taped = |(name, command): &Server| {
        let mut arguments: Vec<OsString> = vec!["--".into(), name.into(), "python3".into()];
        arguments.extend([tape.clone().into(), "record".into(), tape_name(name).into()]);
        arguments.extend_from_slice(command);
        arguments
    };
    let arguments = servers.iter().flat_map(taped).collect();
    let example = Example { name: "mcp_loop", arguments, working: &working };
    let folder = write("mcp_loop", &example.run(upstream, model)?)?;
    for (name, _) in servers {
        let name = tape_name(name);
        fs::copy(working.join(&name), folder.join(&name))
            .with_context(|| format!("nothing was recorded as {name}"))?;
    }
    drop(lock);
    Ok(folder)
}

fn tape_name(server: &str) -> String {
    format!("{server}.mcp")
}

/// The servers: paths in their commands are from where the example runs, so that no name of a folder of
/// this machine is in what is recorded.
fn servers(python: &Path) -> Result<[Server; 3]> {
    let module = |arguments: &[&str]| {
        let arguments = arguments.iter().map(OsString::from);
        [python.into(), "-m".into()].into_iter().chain(arguments).collect()
    };
    let [package, program] = EVERYTHING;
    Ok([
        ("time", module(&["mcp_server_time"])),
        ("git", module(&["mcp_server_git", "--repository", "demo"])),
        ("everything", vec![node::program(package, program)?.into()]),
    ])
}

/// A repository with one commit, always the same.
fn repository(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(folder.join("note.txt"), "Rome\n")?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.envs(COMMIT).arg("-C").arg(folder).args(arguments);
        program::run(&mut command).context("git is needed")
    };
    git(&["init", "--quiet", "--initial-branch", "main"])?;
    git(&["add", "note.txt"])?;
    git(&["commit", "--quiet", "--message", "Add a note about Rome"])
}
