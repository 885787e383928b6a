//! Lines from a person: with an editor and a history at a terminal, plainly from a pipe.

use std::{
    fs::OpenOptions,
    io::{self, BufRead as _, IsTerminal as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use rustyline::{DefaultEditor, error::ReadlineError};

use crate::{exit::Failure, paths};

/// What a person gave.
pub(super) enum Line {
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the end of the input.
    End,
}

/// Where lines come from.
pub(super) enum Lines {
    Editor(Box<DefaultEditor>, PathBuf),
    Pipe,
}

impl Lines {
    /// The editor at a terminal, with the history of earlier talks.
    pub(super) fn open() -> Result<Self, Failure> {
        if !io::stdin().is_terminal() {
            return Ok(Self::Pipe);
        }
        let path = paths::history_file()?;
        paths::make_folder_of(&path)?;
        // Made for its owner alone: what is asked is nobody else's business.
        drop(OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?);
        let mut editor = Box::new(DefaultEditor::new()?);
        editor.load_history(&path)?;
        Ok(Self::Editor(editor, path))
    }

    /// The next line.
    pub(super) fn next(&mut self, prompt: &str) -> Result<Line, Failure> {
        match self {
            Self::Editor(editor, _) => match editor.readline(prompt) {
                Ok(line) => {
                    editor.add_history_entry(&line)?;
                    Ok(Line::Text(line))
                }
                Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
                Err(ReadlineError::Eof) => Ok(Line::End),
                Err(error) => Err(error.into()),
            },
            Self::Pipe => {
                let mut line = String::new();
                match io::stdin().lock().read_line(&mut line) {
                    Ok(0) => Ok(Line::End),
                    Ok(_) => Ok(Line::Text(line)),
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        Err(Failure::usage("standard input is not UTF-8 text"))
                    }
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Keeps the history. It is a convenience: a failure is not worth a word.
    pub(super) fn close(self) {
        if let Self::Editor(mut editor, path) = self {
            drop(editor.save_history(&path));
        }
    }
}
