//! Names and identifiers, in the letters that the API takes.

use std::borrow::Cow;

/// Letters of the name of a tool.
const NAME_CHARS_MAX: usize = 128;

/// Whether a tool may be called this: `^[a-zA-Z0-9_-]{1,128}$`.
pub(super) fn is_tool_name(name: &str) -> bool {
    is_legal(name) && name.len() <= NAME_CHARS_MAX
}

/// The name of a tool that was called once, as the API takes it.
pub(super) fn tool_name(name: &str) -> Cow<'_, str> {
    if is_tool_name(name) {
        return Cow::Borrowed(name);
    }
    let name: String = name.chars().map(legal_or_line).take(NAME_CHARS_MAX).collect();
    Cow::Owned(if name.is_empty() { "_".to_owned() } else { name })
}

/// An identifier of a call as the API takes it: `^[a-zA-Z0-9_-]+$`. The same always gives the same;
/// different ones may, too.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    if is_legal(id) {
        return Cow::Borrowed(id);
    }
    let id: String = id.chars().map(legal_or_line).collect();
    Cow::Owned(if id.is_empty() { "call".to_owned() } else { id })
}

fn is_legal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is_letter(byte.into()))
}

fn legal_or_line(c: char) -> char {
    if is_letter(c) { c } else { '_' }
}

const fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_takes_stays_and_the_rest_gets_lines() {
        for (id, expected) in
            [("toolu_01-a", "toolu_01-a"), ("look#1", "look_1"), ("ä b", "__b"), ("", "call")]
        {
            assert_eq!(call_id(id), expected, "{id}");
        }
        let long = "x".repeat(NAME_CHARS_MAX);
        for (name, expected) in
            [("look", "look"), ("fs.read", "fs_read"), ("", "_"), (&format!("{long}y"), &long)]
        {
            assert_eq!(tool_name(name), expected);
            assert!(is_tool_name(expected));
        }
        assert!(!is_tool_name("") && !is_tool_name("a.b") && !is_tool_name(&format!("{long}y")));
    }
}
