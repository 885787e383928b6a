//! Recordings of what goes over the wire between the engine and a real server, for tests that play it
//! again.
//!
//! Of a request only the body is kept, of the head of a response what the body cannot be read without:
//! so no key is in a recording. It passes bytes on over plain sockets: no client or server between lays
//! them out anew.

mod mcp;

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, SyncSender},
    thread,
};

use anyhow::{Context as _, Result, ensure};

pub(crate) use self::mcp::mcp_loop;

/// Headers of a response that are kept.
const KEPT: [&str; 4] = ["content-type", "content-length", "transfer-encoding", "connection"];

/// Exchanges that may wait to be written; a loop has fewer.
const EXCHANGES_MAX: usize = 64;

/// A request and its answer.
struct Exchange {
    request: Vec<u8>,
    /// The bytes as they came: framing of the body and of its events included.
    response: Vec<u8>,
}

/// An example of the engine that is run to be recorded.
struct Example<'a> {
    /// Its name, and that of the folder of its recording.
    name: &'static str,
    /// What it is given behind the URL and the model.
    arguments: Vec<OsString>,
    /// Where it runs.
    working: &'a Path,
}

/// Records the example of that name with the server on `upstream`. Answers where the recording is.
pub(crate) fn example(name: &'static str, upstream: u16, model: &str) -> Result<PathBuf> {
    let (arguments, working) = (Vec::new(), Path::new("."));
    let exchanges = Example { name, arguments, working }.run(upstream, model)?;
    write(name, &exchanges)
}

impl Example<'_> {
    /// Runs it against the server on `upstream`. Answers what went over the wire.
    fn run(&self, upstream: u16, model: &str) -> Result<Vec<Exchange>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://127.0.0.1:{}/v1", listener.local_addr()?.port());
        let (keep, kept) = mpsc::sync_channel(EXCHANGES_MAX);
        // It ends with the process.
        thread::spawn(move || serve(&listener, upstream, &keep));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = engine().join("Cargo.toml");
        let mut command = Command::new(cargo);
        command.args(["run", "--quiet", "--features", "mcp", "--manifest-path"]).arg(manifest);
        command.args(["--example", self.name, "--", &url, model]).args(&self.arguments);
        let ended = command.current_dir(self.working).status()?;
        ensure!(ended.success(), "{} ended with {ended}", self.name);
        kept.try_iter().collect()
    }
}

/// The folder of the engine.
fn engine() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/engine")
}

/// Writes the recording of that name in place of the one before. Answers where.
fn write(name: &str, exchanges: &[Exchange]) -> Result<PathBuf> {
    let folder = engine().join("tests/fixtures").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for (number, Exchange { request, response }) in (1..).zip(exchanges) {
        fs::write(folder.join(format!("{number}-request.json")), request)?;
        fs::write(folder.join(format!("{number}-response.http")), without_headers(response)?)?;
    }
    Ok(folder)
}

/// Passes on what comes, one after the other, as long as somebody keeps it.
fn serve(listener: &TcpListener, upstream: u16, keep: &SyncSender<Result<Exchange>>) {
    for client in listener.incoming() {
        let exchange = client.map_err(Into::into).and_then(|mut one| pass(&mut one, upstream));
        if keep.send(exchange).is_err() {
            return;
        }
    }
}

/// Passes one request on to `upstream` and its response back, byte for byte.
fn pass(client: &mut TcpStream, upstream: u16) -> Result<Exchange> {
    let (head, request) = read_request(client)?;
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream))?;
    // The end of the response is then the end of the connection, for both.
    write!(server, "{head}connection: close\r\n\r\n")?;
    server.write_all(&request)?;
    let (mut response, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let length = server.read(&mut piece)?;
        let bytes = piece.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Exchange { request, response });
        }
        client.write_all(bytes)?;
        response.extend_from_slice(bytes);
    }
}

/// The lines of the head, without the empty one, and the body.
fn read_request(client: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

/// `response` with only the headers that are kept.
fn without_headers(response: &[u8]) -> Result<Vec<u8>> {
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, body) = response.split_at(end.context("the response has no head")?);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default().to_owned();
    let is_kept = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        KEPT.iter().any(|kept| name.eq_ignore_ascii_case(kept))
    };
    let head = lines.filter(is_kept).fold(status, |head, line| head + "\r\n" + line);
    Ok([head.as_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_machine_or_the_user_is_left_out() {
        let response = b"HTTP/1.1 200 OK\r\nServer: x\r\nset-cookie: k=1\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n";
        let kept = without_headers(response).unwrap();
        let expected = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n";
        assert_eq!(String::from_utf8(kept).unwrap(), expected);
        assert!(without_headers(b"HTTP/1.1 200 OK\r\n").is_err());
    }

    #[test]
    fn what_is_recorded_is_what_both_sides_see() {
        let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = upstream.local_addr().unwrap().port();
        let serving = thread::spawn(move || {
            let (mut peer, _) = upstream.accept().unwrap();
            let seen = read_request(&mut peer).unwrap();
            peer.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").unwrap();
            seen
        });
        let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(proxy.local_addr().unwrap()).unwrap();
        write!(client, "POST /v1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
        let exchange = pass(&mut proxy.accept().unwrap().0, port).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        let (head, body) = serving.join().unwrap();
        assert_eq!(head, "POST /v1 HTTP/1.1\r\nContent-Length: 2\r\nconnection: close\r\n");
        assert_eq!((exchange.request.as_slice(), body.as_slice()), (&b"{}"[..], &b"{}"[..]));
        assert_eq!(said.as_bytes(), exchange.response);
    }
}
