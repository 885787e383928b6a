//! Typing that is not shown.

use std::{
    io::{self, Read as _},
    os::fd::AsFd,
};

use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

use super::input::{KEY_BYTES_MAX, too_long};
use crate::{
    exit::{Code, Failure},
    output,
};

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const BACKSPACE: [u8; 2] = [8, 127];

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Unseen<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Unseen<T> {
    /// Letters come one by one and Ctrl-C as one of them: as a signal it would end the program, and the
    /// terminal would stay as it is now.
    fn new(terminal: T) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut unseen = before.clone();
        unseen.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        // A read returns as soon as there is one letter.
        let waits = [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)];
        for (index, wait) in waits {
            if let Some(cell) = unseen.control_chars.get_mut(index as usize) {
                *cell = wait;
            }
        }
        // What was typed before is on the screen already, and forgotten.
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &unseen)?;
        Ok(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Unseen<T> {
    /// What was pasted behind the line is forgotten: the shell would take it for a command.
    fn drop(&mut self) {
        // Nobody is left to tell when that fails.
        let _gone = tcsetattr(&self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

/// One line from a person at the terminal, who sees `question` and nothing of the answer.
pub(super) fn typed(question: &str) -> Result<String, Failure> {
    let unseen = Unseen::new(io::stdin())?;
    output::ask(question);
    let line = line(io::stdin().lock().bytes());
    drop(unseen);
    output::complain("");
    line
}

/// The letters up to the end of the line.
fn line(letters: impl Iterator<Item = io::Result<u8>>) -> Result<String, Failure> {
    let mut line = Vec::new();
    for letter in letters {
        match letter? {
            b'\r' | b'\n' => break,
            CTRL_D if line.is_empty() => break,
            CTRL_C => return Err(Failure::new(Code::Interrupted, "no key was given")),
            CTRL_U => line.clear(),
            letter if BACKSPACE.contains(&letter) => drop(line.pop()),
            _ if line.len() > KEY_BYTES_MAX => return Err(too_long()),
            letter => line.push(letter),
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(letters: &str) -> Result<String, String> {
        line(letters.bytes().map(Ok)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_line_can_be_corrected_and_given_up() {
        assert_eq!(typed("sk-1\nrm -rf"), Ok("sk-1".to_owned()));
        assert_eq!(typed("sl\u{7f}k\u{8}k-1\r"), Ok("sk-1".to_owned()));
        assert_eq!(typed("wrong\u{15}\u{7f}sk-1\n"), Ok("sk-1".to_owned()));
        assert_eq!(typed("\u{4}sk-1"), Ok(String::new()));
        assert_eq!(typed("sk-1"), Ok("sk-1".to_owned()), "the end of the input ends the line");
        assert_eq!(typed("sk-1\u{3}\n"), Err("no key was given".to_owned()));
        assert!(typed(&"k".repeat(2 * KEY_BYTES_MAX)).is_err());
    }
}
