//! Names of functions that were called, as the protocols of `OpenAI` take them.

use std::borrow::Cow;

/// Characters of a name.
const LENGTH_MAX: usize = 64;

/// `name` as it is taken: a name that no tool on offer can have, such as one that a model made up, or one
/// that another provider takes.
pub(crate) fn call_name(name: &str) -> Cow<'_, str> {
    if (1..=LENGTH_MAX).contains(&name.len()) && name.chars().all(is_letter) {
        return Cow::Borrowed(name);
    }
    let legal = |letter: char| if is_letter(letter) { letter } else { '_' };
    let made: String = name.chars().take(LENGTH_MAX).map(legal).collect();
    Cow::Owned(if made.is_empty() { "_".to_owned() } else { made })
}

/// Whether names and identifiers may have it.
pub(crate) const fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_tool_can_have_are_made_legal() {
        assert_eq!(call_name("get_weather-2"), "get_weather-2");
        assert_eq!(call_name("functions.look"), "functions_look");
        assert_eq!(call_name("où est"), "o__est");
        assert_eq!(call_name(""), "_");
        assert_eq!(call_name(&"é".repeat(99)), "_".repeat(LENGTH_MAX));
    }
}
