//! Servers seen from outside: their processes, and whether they answer.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The script that every server of ours runs under.
pub(crate) const WATCHER: &str = "watch.sh";

/// Looks until `done` says yes; no when `limit` has passed.
#[expect(clippy::disallowed_methods, reason = "the one place that measures time")]
pub(crate) fn within(limit: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<bool> {
    let start = Instant::now();
    loop {
        if done()? {
            return Ok(true);
        }
        if start.elapsed() >= limit {
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
}

/// Whether the process runs and is a server of ours on that port: a number may have a new holder.
pub(crate) fn is_ours(pid: u32, port: u16) -> bool {
    is_server(&command_line(pid).unwrap_or_default(), port)
}

/// Whether a command line is that of a server of ours on that port.
fn is_server(command_line: &str, port: u16) -> bool {
    let mut words = command_line.split(['\0', ' ']);
    let port = port.to_string();
    words.any(|word| word.ends_with(WATCHER)) && words.any(|word| word == port)
}

/// The command line of a process; nothing when it is gone.
fn command_line(pid: u32) -> Option<String> {
    if fs::exists("/proc/self/cmdline").unwrap_or(false) {
        let text = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&text).into_owned());
    }
    let output = Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a signal to the process group that `pid` leads. One that is gone already is fine.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    // The shell's own `kill`: slim images lack `/bin/kill`.
    let script = format!("kill -s {name} -- -{pid} 2>/dev/null");
    Command::new("sh").args(["-c", &script]).status().context("running sh")?;
    Ok(())
}

/// `port` when it is free; some free one for 0.
pub(crate) fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} cannot be used: choose another with --port"))?;
    Ok(listener.local_addr()?.port())
}

/// Whether the server answers `GET path` with 200.
pub(crate) fn is_healthy(port: u16, path: &str) -> bool {
    let ask = || -> Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        ensure!(start.ends_with(b" 200"), "not ready");
        Ok(())
    };
    ask().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_the_watcher_and_the_port() {
        let line = "sh\0/cache/watch.sh\0\0/cache/python\0serve.py\x008080\x004096";
        assert!(is_server(line, 8_080));
        assert!(is_server(&line.replace('\0', " "), 8_080));
        assert!(!is_server(line, 808));
        assert!(!is_server("vim watch.sh", 8_080));
        assert!(!is_server("python serve.py 8080", 8_080));
        assert!(!is_server("", 8_080));
    }

    #[test]
    fn waiting_ends_with_the_answer_or_the_limit() {
        let mut looks = 0;
        let third = within(Duration::from_mins(1), || {
            looks += 1;
            Ok(looks == 3)
        });
        assert!(third.unwrap());
        assert!(!within(Duration::ZERO, || Ok(false)).unwrap());
    }

    #[test]
    fn a_port_that_is_taken_is_refused() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        assert!(free_port(port).unwrap_err().to_string().contains("--port"));
        assert_ne!(free_port(0).unwrap(), 0);
    }
}
