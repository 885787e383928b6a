//! Keys by which requests with one beginning reach one prompt cache.

use std::borrow::Cow;

use branchwork_core::provider::CacheHints;

use crate::hash::hash;

/// Characters of a key; longer ones are refused (`string_above_max_length`).
const LENGTH_MAX: usize = 64;

/// The key of `hints`, as servers take it: of a long one its beginning, and a number made from all of it.
pub(crate) fn cache_key(hints: &CacheHints) -> Option<Cow<'_, str>> {
    let key = hints.key.as_deref().filter(|key| !key.is_empty())?;
    if key.chars().count() <= LENGTH_MAX {
        return Some(Cow::Borrowed(key));
    }
    let number = format!("-{:016x}", hash(key));
    let beginning = key.chars().take(LENGTH_MAX - number.len()).collect::<String>();
    Some(Cow::Owned(beginning + &number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_shortened_always_to_the_same_and_to_no_other() {
        let made = |key: &str| {
            let hints = CacheHints { key: Some(key.to_owned()), shared: Vec::new() };
            cache_key(&hints).map(Cow::into_owned)
        };
        let limit = "é".repeat(LENGTH_MAX);
        assert_eq!(made(&limit), Some(limit.clone()));
        let long = made(&(limit.clone() + "a")).expect("a key");
        assert_eq!(long.chars().count(), LENGTH_MAX);
        assert_eq!(made(&(limit.clone() + "a")), Some(long.clone()));
        assert_ne!(made(&(limit + "b")), Some(long));
        assert_eq!((made(""), cache_key(&CacheHints::default())), (None, None));
    }
}
