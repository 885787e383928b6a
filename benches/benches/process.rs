//! The command line as a whole process: start to the first byte sent, and memory.
//!
//! Run `cargo build --release -p branchwork-cli` first: the binary is taken from there.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use branchwork_benches::{
    measure::{Stopwatch, median, resident_bytes},
    report,
};

const RUNS: usize = 31;

fn main() {
    let binary = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/release/branchwork");
    if !binary.exists() {
        report::line("first: cargo build --release -p branchwork-cli");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("it has an address"));
    let (mut firsts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let watch = Stopwatch::start();
        let mut child = ask(&binary, folder.path(), &url);
        let (mut connection, _) = listener.accept().expect("the program calls");
        connection.read_exact(&mut [0]).expect("the program sends");
        firsts.push(watch.elapsed());
        memory.push(resident_bytes(Some(child.id())));
        answer(&mut connection);
        drop(connection);
        assert!(child.wait().expect("the program ends").success());
    }
    let (first, resident) = (report::micros(median(firsts)) / 1e3, median(memory) / 1_024);
    report::head(&["the command line", &format!("median of {RUNS}")]);
    report::row(&[&"start to first byte sent", &format!("{first:.1} ms")]);
    report::row(&[&"resident while it waits for the answer", &format!("{resident} KiB")]);
}

fn ask(binary: &Path, home: &Path, url: &str) -> Child {
    let mut command = Command::new(binary);
    command.env_clear().env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null());
    command.args(["--base-url", url, "-m", "tiny", "Hello"]);
    command.spawn().expect("the program starts")
}

/// Reads the rest of the request and gives the shortest answer there is.
fn answer(connection: &mut TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    while !request.ends_with(b"}") {
        let length = connection.read(&mut piece).expect("the program sends");
        request.extend(piece.iter().take(length));
    }
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
    let response = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    connection.write_all(response.as_bytes()).expect("the program reads");
}
