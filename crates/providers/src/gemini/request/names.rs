//! Names of functions.

use std::borrow::Cow;

/// Characters of a name.
pub(super) const NAME_LEN_MAX: usize = 128;

/// Whether the protocol can say `name`.
pub(super) fn is_legal(name: &str) -> bool {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins_well && name.len() <= NAME_LEN_MAX && name.chars().all(is_legal_char)
}

fn is_legal_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:-".contains(c)
}

/// `name` as the protocol can say it. The same name always gives the same.
pub(super) fn legal(name: &str) -> Cow<'_, str> {
    if is_legal(name) {
        return Cow::Borrowed(name);
    }
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let start = if begins_well { "" } else { "_" };
    let letters = name.chars().map(|c| if is_legal_char(c) { c } else { '_' });
    Cow::Owned(start.chars().chain(letters).take(NAME_LEN_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_legal_and_legal_ones_stay() {
        for (name, expected) in [
            ("look", "look"),
            ("_a.b:c-9", "_a.b:c-9"),
            ("9lives", "_9lives"),
            ("-x", "_-x"),
            ("schön gut", "sch_n_gut"),
            ("", "_"),
        ] {
            assert_eq!(legal(name), expected);
            assert_eq!(is_legal(name), name == expected);
        }
        let long = "x".repeat(NAME_LEN_MAX);
        assert_eq!(legal(&long), long);
        assert_eq!(legal(&(long.clone() + "y")), long);
    }
}
