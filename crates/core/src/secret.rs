//! Keys and tokens: never shown, and taken out of what servers say.

use std::fmt;

/// Characters of a server's message that are kept.
const DETAIL_CHARS_MAX: usize = 500;

/// What stands where a key stood.
const MASK: &str = "***";

/// A key. `Debug` does not show it, and there is no `Display`.
///
/// ```
/// use branchwork_core::secret::Secret;
///
/// assert_eq!(format!("{:?}", Secret::new("sk-very-secret")), "Secret(***)");
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text` without the white space around it, which keys read from files often have.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, for where it is wanted (a request header, the environment of a child) and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({MASK})")
    }
}

/// Takes `secrets` out of `text`.
pub fn redact(text: &str, secrets: &[Secret]) -> String {
    let mut secrets: Vec<&str> = secrets.iter().map(Secret::reveal).collect();
    // The longest first: one may be a part of another.
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
}

/// What of a message goes into an error: on one line, short, without `secrets`.
pub fn detail(message: &str, secrets: &[Secret]) -> String {
    let redacted = redact(message, secrets);
    let mut line = String::new();
    for word in redacted.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => line.get(..end).unwrap_or_default().to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_also_where_one_holds_another() {
        let secrets = [Secret::new("sk-1"), Secret::new(" sk-12\n"), Secret::new("")];
        assert_eq!(redact("keys sk-12, sk-1 and sk-13", &secrets), "keys ***, *** and ***3");
    }

    #[test]
    fn a_detail_is_one_short_line_cut_between_characters() {
        assert_eq!(detail(" two\r\n\tlines \0 of\u{7f}text ", &[]), "two lines of text");
        let long = detail(&"é".repeat(600), &[]);
        assert_eq!(long.chars().count(), DETAIL_CHARS_MAX);
        // The key is taken out before the cut, so no half of it stays.
        let message = format!("{}sk-long-key", "x".repeat(DETAIL_CHARS_MAX - 4));
        assert!(!detail(&message, &[Secret::new("sk-long-key")]).contains("sk-"));
    }
}
