//! Identifiers of calls, as the protocol takes them.

use std::borrow::Cow;

use crate::{call_name::is_letter, hash::hash};

/// Characters of an identifier.
const LENGTH_MAX: usize = 64;

/// `id` as it is taken. The same identifier always gives the same.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    if is_taken(id) { Cow::Borrowed(id) } else { Cow::Owned(format!("call_{:016x}", hash(id))) }
}

fn is_taken(text: &str) -> bool {
    (1..=LENGTH_MAX).contains(&text.len()) && text.chars().all(is_letter)
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
}
