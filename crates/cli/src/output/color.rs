//! Colour, where it is wanted.

use std::io::{self, IsTerminal as _};

use crate::{args::When, env};

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// As the option and the environment say.
    pub(crate) fn new(when: When) -> Self {
        let forced = env::text("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let dumb = env::text("TERM").is_some_and(|term| term == "dumb");
        let on = match when {
            When::Always => true,
            When::Never => false,
            When::Auto if env::text("NO_COLOR").is_some() => false,
            When::Auto => forced || (!dumb && io::stdout().is_terminal()),
        };
        Self { on }
    }

    /// Less visible.
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// More visible.
    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// As what is on the left side only.
    pub(crate) fn removed(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// As what is on the right side only.
    pub(crate) fn added(self, text: &str) -> String {
        self.wrap("32", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
