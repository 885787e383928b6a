//! Reading standard input and files, bounded and checked.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::Path,
};

use branchwork::core::limits::MESSAGE_BYTES_MAX;

use crate::exit::{Code, Failure};

/// The text of standard input when it is piped; `None` at a terminal.
pub(crate) fn piped() -> Result<Option<String>, Failure> {
    if io::stdin().is_terminal() { Ok(None) } else { stdin().map(Some) }
}

/// The text of standard input.
pub(crate) fn stdin() -> Result<String, Failure> {
    read_text(io::stdin().lock(), "standard input")
}

/// `text`, or standard input when it is `-`.
pub(crate) fn text_or_stdin(text: String) -> Result<String, Failure> {
    if text == "-" { stdin() } else { Ok(text) }
}

/// Opens a file to read; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|error| {
        let message = format!("{} cannot be read: {error}", path.display());
        Failure::new(Code::Usage, message)
    })?;
    Ok(Box::new(file))
}

/// Reads text to its end, but no more than a message may hold.
fn read_text(input: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    input.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > MESSAGE_BYTES_MAX {
        let message = format!("{name} holds more than the {MESSAGE_BYTES_MAX} bytes of a message");
        return Err(Failure::new(Code::Limit, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("{name} is not UTF-8 text: byte {at} cannot be read"))
    })
}
