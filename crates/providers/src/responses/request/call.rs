//! Identifiers and names of calls, as the protocol takes them.

use std::borrow::Cow;

use crate::hash::hash;

/// Characters of an identifier and of a name.
const LENGTH_MAX: usize = 64;

/// `id` as it is taken. The same identifier always gives the same.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    if is_taken(id) { Cow::Borrowed(id) } else { Cow::Owned(format!("call_{:016x}", hash(id))) }
}

/// `name` as it is taken: a name that no tool on offer can have, such as one that a model made up, or one
/// that another provider takes.
pub(super) fn call_name(name: &str) -> Cow<'_, str> {
    if is_taken(name) {
        return Cow::Borrowed(name);
    }
    let legal = |letter: char| if is_letter(letter) { letter } else { '_' };
    let made: String = name.chars().take(LENGTH_MAX).map(legal).collect();
    Cow::Owned(if made.is_empty() { "_".to_owned() } else { made })
}

fn is_taken(text: &str) -> bool {
    (1..=LENGTH_MAX).contains(&text.len()) && text.chars().all(is_letter)
}

const fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_other_providers_are_made_legal_always_to_the_same() {
        assert_eq!(call_id("toolu_01-A"), "toolu_01-A");
        let limit = "x".repeat(LENGTH_MAX);
        assert_eq!(call_id(&limit), limit);
        let (long, other) = (limit.clone() + "a", limit + "b");
        for odd in ["", "call_1#1", "é", &long] {
            let made = call_id(odd);
            assert!(is_taken(&made) && made == call_id(odd), "{odd}: {made}");
        }
        assert_ne!(call_id(&long), call_id(&other));
    }

    #[test]
    fn names_that_no_tool_can_have_are_made_legal() {
        assert_eq!(call_name("get_weather-2"), "get_weather-2");
        assert_eq!(call_name("functions.look"), "functions_look");
        assert_eq!(call_name("où est"), "o__est");
        assert_eq!(call_name(""), "_");
        assert_eq!(call_name(&"é".repeat(99)), "_".repeat(LENGTH_MAX));
    }
}
