//! A server in the background: started, found again, stopped.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{cache, output, process, state::State};

/// How long a server may take until it is ready.
const START: Duration = Duration::from_mins(2);
/// How long a server may take to end after each signal.
const END: Duration = Duration::from_secs(5);

/// A server by its kind and name.
pub(crate) struct Server {
    kind: &'static str,
    state: PathBuf,
    log: PathBuf,
}

/// What to start.
pub(crate) struct Wanted {
    /// What it serves, in a word.
    pub(crate) what: &'static str,
    /// Where it listens; 0 picks a free port.
    pub(crate) port: u16,
    /// The process it must not outlive.
    pub(crate) owner: Option<u32>,
}

/// How to start it.
pub(crate) struct Launch {
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments; [`Launch::PORT`] stands for the port.
    pub(crate) arguments: Vec<String>,
    /// What answers 200 once it is ready.
    pub(crate) health: &'static str,
}

impl Launch {
    /// The argument that is replaced by the port.
    pub(crate) const PORT: &str = "{port}";
}

impl Server {
    /// The server of that kind and name, which may run or not.
    pub(crate) fn named(kind: &'static str, name: &str) -> Result<Self> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        ensure!(plain && !name.is_empty(), "`{name}` is no name: letters, digits, `-` and `_`");
        let folder = cache::folder()?;
        let file = |ending: &str| folder.join(format!("{kind}-{name}.{ending}"));
        Ok(Self { kind, state: file("json"), log: file("log") })
    }

    /// What runs, when something does; it may not be ready yet.
    pub(crate) fn running(&self) -> Option<State> {
        State::read(&self.state).filter(State::is_alive)
    }

    /// Starts it and waits until it is ready. One that runs and answers is left
    /// alone.
    pub(crate) fn start(
        &self,
        wanted: &Wanted,
        launch: impl FnOnce() -> Result<Launch>,
    ) -> Result<State> {
        let lock = cache::lock(self.kind)?;
        let state = if let Some(state) = self.running() {
            output::note(&format!("{} has been started already", state.what));
            if state.what != wanted.what {
                output::note(&format!("for {}, stop it first", wanted.what));
            }
            state
        } else {
            // Said before a long download, not after it.
            process::free_port(wanted.port)?;
            let launch = launch()?;
            let state = self.spawn(wanted, &launch)?;
            output::note(&format!("starting {} on port {}", state.what, state.port));
            state
        };
        self.wait(&state)?;
        drop(lock);
        Ok(state)
    }

    /// Stops it; answers whether it ran.
    pub(crate) fn stop(&self) -> Result<bool> {
        let running = self.running();
        if let Some(state) = &running {
            end(state)?;
            remove(&self.log)?;
        }
        remove(&self.state)?;
        Ok(running.is_some())
    }

    /// Starts it in a process group of its own, and writes down that it was.
    fn spawn(&self, wanted: &Wanted, launch: &Launch) -> Result<State> {
        let port = process::free_port(wanted.port)?;
        let log =
            File::create(&self.log).with_context(|| format!("writing {}", self.log.display()))?;
        let watcher = cache::folder()?.join(process::WATCHER);
        cache::write(&watcher, include_str!("watch.sh"))?;
        let owner = wanted.owner.map_or_else(String::new, |pid| pid.to_string());
        let arguments = launch.arguments.iter().map(|argument| match argument.as_str() {
            Launch::PORT => port.to_string(),
            _ => argument.clone(),
        });
        let mut child = Command::new("sh")
            .args([&watcher, Path::new(&owner), &self.state, &self.log, &launch.program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in the terminal is for us, not for the server.
            .process_group(0)
            .spawn()
            .context("running sh")?;
        let url = format!("http://127.0.0.1:{port}/v1");
        let (health, what) = (launch.health.to_owned(), wanted.what.to_owned());
        let state = State { pid: child.id(), port, url, health, what };
        // A process has no command line for a moment: without this it would pass for gone.
        process::within(END, || Ok(state.is_alive() || child.try_wait()?.is_some()))?;
        state.write(&self.state)?;
        Ok(state)
    }

    /// Waits until it is ready; ends it when it does not get there.
    fn wait(&self, state: &State) -> Result<()> {
        let mut alive = true;
        let over = process::within(START, || {
            alive = state.is_alive();
            Ok(!alive || state.is_ready())
        })?;
        if over && alive {
            return Ok(());
        }
        end(state)?;
        remove(&self.state)?;
        let (said, log) = (last_line(&self.log), self.log.display());
        if over {
            bail!("the server ended: {said} (see {log})");
        }
        bail!("the server is not ready after {} s: {said} (see {log})", START.as_secs())
    }
}

/// Asks a server to end, then makes it.
fn end(state: &State) -> Result<()> {
    for signal in ["TERM", "KILL"] {
        if state.is_alive() {
            process::signal(state.pid, signal)?;
        }
        if process::within(END, || Ok(!state.is_alive()))? {
            return Ok(());
        }
    }
    bail!("process {} cannot be ended", state.pid)
}

/// Removes a file that may be gone already.
fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// The last thing that a log says.
fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_folder() {
        for name in ["", "../x", "a b", "a/b"] {
            assert!(Server::named("model", name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_last_line_of_a_log_is_the_last_that_says_something() {
        let log = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        fs::write(&log, b"first\nlast \xff\n\n  \n").unwrap();
        assert_eq!(last_line(&log), "last \u{fffd}");
        fs::remove_file(&log).unwrap();
        assert_eq!(last_line(&log), "it said nothing");
        remove(&log).unwrap();
    }
}
