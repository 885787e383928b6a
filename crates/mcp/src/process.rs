//! The child process of a server. It ends with the value.

use std::{
    collections::BTreeMap,
    env, fmt, io,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinSet,
    time::timeout,
};

/// What of our environment a server is given: what finds programs, homes, languages and time zones.
const INHERITED: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
];

/// Bytes of standard error that are kept, to say why a server ended.
const SAID_BYTES_MAX: usize = 4 * 1024;

/// How long the rest of standard error of an ended process is waited for: another may hold it open.
const SAID_WAIT: Duration = Duration::from_secs(1);

/// A child process in a group of its own: what it started ends with it, and Ctrl-C in our terminal is not
/// for it.
pub(crate) struct Process {
    child: Child,
    /// The end of what it wrote to standard error.
    said: Arc<Mutex<Vec<u8>>>,
    /// Reads that.
    reader: JoinSet<()>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &self.child.id()).finish_non_exhaustive()
    }
}

impl Process {
    /// Starts it.
    pub(crate) fn start(
        command: &str,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
    ) -> io::Result<(Self, ChildStdout, ChildStdin)> {
        let inherited = INHERITED.iter().filter_map(|name| Some((name, env::var_os(name)?)));
        let mut child = Command::new(command)
            .args(arguments)
            .env_clear()
            .envs(inherited)
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("a pipe of the child process is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut reader = JoinSet::new();
        reader.spawn(keep_end(stderr, Arc::clone(&said)));
        Ok((Self { child, said, reader }, stdout, stdin))
    }

    /// Lets it end, whose standard input was closed, and makes it when it does not.
    pub(crate) async fn end(mut self, wait: Duration) {
        // Not in time, or not to be waited for: dropping it kills it.
        drop(timeout(wait, self.child.wait()).await);
    }

    /// Kills it, and answers the last line it wrote to standard error.
    pub(crate) async fn last_line(mut self) -> Option<String> {
        self.kill();
        drop(timeout(SAID_WAIT, self.reader.join_next()).await);
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&said);
        let mut lines = text.lines();
        if said.len() >= SAID_BYTES_MAX {
            // Its beginning is lost: it may begin with a half of a secret, which nobody would know again.
            lines.next();
        }
        let line = lines.rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }

    /// Kills all of its group. One that has been waited for has no identifier, and nothing is killed that
    /// took it over.
    fn kill(&self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group {
            // It fails when all have ended.
            let _ended = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads to the end, and keeps the end of it.
async fn keep_end(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 1024];
    while let Some(bytes) = next(&mut stderr, &mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(bytes);
        let excess = said.len().saturating_sub(SAID_BYTES_MAX);
        said.drain(..excess);
    }
}

/// The next bytes; nothing at the end.
async fn next<'a>(reader: &mut (impl AsyncRead + Unpin), piece: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = reader.read(piece).await.ok().filter(|length| *length > 0)?;
    piece.get(..length)
}
