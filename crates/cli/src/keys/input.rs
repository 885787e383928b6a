//! A key from a person: piped in, or typed where nobody sees it.

use std::io::{self, IsTerminal as _, Read as _};

use branchwork::providers::Secret;

use super::prompt;
use crate::exit::{Code, Failure};

/// Bytes of a key. Headers hold no more at most servers, and the longest known keys have a few hundred.
pub(super) const KEY_BYTES_MAX: usize = 8 * 1024;

/// The key of standard input; at a terminal it is asked for, and not shown.
pub(crate) fn read(provider: &str) -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        return checked(&prompt::typed(&format!("Key of {provider} (not shown): "))?);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(KEY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > KEY_BYTES_MAX {
        return Err(too_long());
    }
    checked(&String::from_utf8_lossy(&bytes))
}

/// A key, when `text` is one without the white space around it.
pub(super) fn checked(text: &str) -> Result<Secret, Failure> {
    let key = Secret::new(text);
    if key.is_empty() {
        return Err(Failure::usage("no key was given").with_hint("pipe it in, or type it"));
    }
    if key.reveal().len() > KEY_BYTES_MAX {
        return Err(too_long());
    }
    if key.reveal().contains(|letter: char| !letter.is_ascii_graphic()) {
        let message =
            "what was given is no key: a key is one word of ASCII letters, digits and signs";
        return Err(Failure::usage(message));
    }
    Ok(key)
}

pub(super) fn too_long() -> Failure {
    Failure::new(Code::Limit, format!("a key has at most {KEY_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word() {
        assert_eq!(checked(" sk-1/+=\"\\'\r\n").unwrap().reveal(), "sk-1/+=\"\\'");
        for text in ["", " \n", "sk 1", "sk\n1", "sk\u{7f}1", "sk-é", "sk\u{feff}1"] {
            let failure = checked(text).unwrap_err().to_string();
            assert!(!failure.contains("sk"), "{failure}");
        }
        assert!(checked(&"k".repeat(KEY_BYTES_MAX)).is_ok());
        assert!(checked(&"k".repeat(KEY_BYTES_MAX + 1)).is_err());
    }
}
