//! A server in the background: started, found again, stopped.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{cache, output};

/// How often the server is asked whether it is ready, and how long between.
const TRIES: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(100);

/// A server by its name.
pub(crate) struct Server {
    state: PathBuf,
    log: PathBuf,
}

/// How to start it.
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// What answers 200 once it is ready.
    pub(crate) health: &'static str,
}

/// A server that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) pid: u32,
    pub(crate) port: u16,
    pub(crate) url: String,
    health: String,
}

impl Server {
    /// The server of that kind and name, which may run or not.
    pub(crate) fn named(kind: &str, name: &str) -> Result<Self> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        ensure!(plain && !name.is_empty(), "`{name}` is no name: letters, digits, `-` and `_`");
        let folder = cache::folder()?;
        let file = |ending: &str| folder.join(format!("{kind}-{name}.{ending}"));
        Ok(Self { state: file("json"), log: file("log") })
    }

    /// What runs, when something does.
    pub(crate) fn running(&self) -> Option<State> {
        let text = fs::read_to_string(&self.state).ok()?;
        let state: State = serde_json::from_str(&text).ok()?;
        is_healthy(state.port, &state.health).then_some(state)
    }

    /// Starts it and waits until it is ready; answers its base URL. One that runs is left alone.
    pub(crate) fn start(
        &self,
        port: u16,
        owner: Option<u32>,
        launch: impl FnOnce(u16) -> Result<Launch>,
    ) -> Result<String> {
        let lock = cache::lock(&self.state)?;
        if let Some(state) = self.running() {
            return Ok(state.url);
        }
        let port = free_port(port)?;
        let launch = launch(port)?;
        let mut child = self.spawn(&launch, owner)?;
        self.wait(&mut child, port, launch.health)?;
        let url = format!("http://127.0.0.1:{port}/v1");
        let health = launch.health.to_owned();
        let state = State { pid: child.id(), port, url: url.clone(), health };
        fs::write(&self.state, serde_json::to_string(&state)?)?;
        drop(lock);
        Ok(url)
    }

    /// Stops it; answers whether it ran.
    pub(crate) fn stop(&self) -> Result<bool> {
        let Some(state) = self.running() else {
            return Ok(false);
        };
        for signal in ["-TERM", "-KILL"] {
            // The server leads a process group of its own.
            let group = format!("-{}", state.pid);
            Command::new("kill").args([signal, "--", &group]).status().context("running kill")?;
            if (0..50).any(|_| {
                thread::sleep(PAUSE);
                !is_healthy(state.port, &state.health)
            }) {
                break;
            }
        }
        fs::remove_file(&self.state)?;
        Ok(true)
    }

    fn spawn(&self, launch: &Launch, owner: Option<u32>) -> Result<Child> {
        let log = File::create(&self.log)?;
        let watcher = cache::write("watch.sh", include_str!("watch.sh"))?;
        let owner = owner.map_or_else(String::new, |pid| pid.to_string());
        Command::new("sh")
            .arg(watcher)
            .arg(owner)
            .arg(&launch.program)
            .args(&launch.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in the terminal is for us, not for the server.
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", launch.program.display()))
    }

    fn wait(&self, child: &mut Child, port: u16, health: &str) -> Result<()> {
        output::note("starting the server");
        for _ in 0..TRIES {
            if is_healthy(port, health) {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                bail!("the server ended with {status}: {}", last_line(&self.log));
            }
            thread::sleep(PAUSE);
        }
        child.kill()?;
        bail!("the server is not ready after {} s: {}", TRIES / 10, last_line(&self.log))
    }
}

/// `port` when it is free; some free one for 0.
fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} is taken: choose another with --port"))?;
    Ok(listener.local_addr()?.port())
}

/// Whether the server answers `GET path` with 200.
fn is_healthy(port: u16, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(start.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("it said nothing").to_owned()
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
}
