//! A key that is typed at a terminal.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, ExitStatus, Stdio},
};

use nix::{
    pty::openpty,
    sys::termios::{LocalFlags, tcgetattr},
};

use crate::support::{Home, text_of};

const KEY: &str = "sk-typed/0123456789";

/// A program at a terminal of its own.
struct Terminal {
    screen: File,
    child: Child,
    shown: String,
}

impl Terminal {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let pair = openpty(None, None).unwrap();
        let end = |fd: &std::os::fd::OwnedFd| Stdio::from(fd.try_clone().unwrap());
        let mut command = home.command(arguments);
        command.stdin(end(&pair.slave)).stdout(end(&pair.slave)).stderr(end(&pair.slave));
        let child = command.spawn().unwrap();
        Self { screen: File::from(pair.master), child, shown: String::new() }
    }

    /// Reads until `text` is on the screen.
    fn until(&mut self, text: &str) {
        let mut piece = [0; 256];
        while !self.shown.contains(text) {
            let length = self.screen.read(&mut piece).unwrap();
            self.shown += &String::from_utf8_lossy(&piece[..length]);
        }
    }

    fn types(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; answers what became of it, and all that was on the screen.
    fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let echoes = tcgetattr(&self.screen).unwrap().local_flags.contains(LocalFlags::ECHO);
        assert!(echoes, "the terminal is as it was");
        // An error says that nobody holds the other end any more.
        drop(self.screen.read_to_string(&mut self.shown));
        (status, self.shown)
    }
}

#[test]
fn a_key_that_is_typed_is_not_shown() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["keys", "set", "openai"]);
    terminal.until("Key of openai (not shown): ");
    terminal.types(&format!("wrong\u{15}{KEY}x\u{7f}\r"));
    terminal.until("is kept in the file");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(!shown.contains("sk-") && !shown.contains("wrong") && !shown.contains('*'), "{shown}");
    let file = text_of(&home.path(".config/branchwork/keys.toml"));
    assert!(file.ends_with(&format!("openai = \"{KEY}\"\n")), "{file}");
}

#[test]
fn who_gives_up_leaves_nothing_and_has_the_terminal_back() {
    let home = Home::new();
    for (typed, code) in [("sk-\u{3}", 130), ("\u{4}", 2), ("\r", 2)] {
        let mut terminal = Terminal::start(&home, &["keys", "set", "openai"]);
        terminal.until("(not shown): ");
        terminal.types(typed);
        terminal.until("error: no key was given");
        let (status, shown) = terminal.end();
        assert_eq!(status.code(), Some(code), "{shown}");
        assert!(!shown.contains("sk-"), "{shown}");
    }
    assert!(!home.path(".config/branchwork/keys.toml").exists());
}
