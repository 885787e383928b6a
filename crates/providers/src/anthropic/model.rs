//! What follows from the name of a model.
//!
//! What the API takes differs between generations of Claude, and a request says nothing of them but the
//! name: `claude-opus-4-5-20251101`, `claude-3-7-sonnet-latest`, `anthropic/claude-4.7-opus`. Servers of
//! others that speak the protocol know it as it was before Claude 4.6.

/// Whether it is a model of Anthropic.
pub(super) fn is_claude(model: &str) -> bool {
    model.contains("claude")
}

/// Whether blocks that only the server understands mean to `model` what they meant to `other`.
pub(super) fn are_alike(model: &str, other: &str) -> bool {
    model == other || (is_claude(model) && is_claude(other))
}

/// Whether it decides by itself how much to think: `thinking.type: "adaptive"`, and `effort`.
pub(super) fn is_adaptive(model: &str) -> bool {
    is_claude(model) && version(model).is_none_or(|version| version >= (4, 6))
}

/// Whether it takes a number of tokens to think with: `thinking.type: "enabled"`.
pub(super) fn takes_budget(model: &str) -> bool {
    version(model).is_none_or(|version| version < (4, 7))
}

/// Whether its thoughts are bound to all that came before them.
pub(super) fn binds_thoughts(model: &str) -> bool {
    version(model).is_some_and(|version| version >= (5, 1))
}

/// The version of a model of Anthropic, where its name has one.
fn version(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once("claude")?;
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    // A date is no version.
    let mut numbers = words
        .map(|word| word.parse().ok().filter(|number| *number < 100))
        .skip_while(Option::is_none);
    Some((numbers.next()??, numbers.next().flatten().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        for (model, expected) in [
            ("claude-opus-4-5-20251101", Some((4, 5))),
            ("claude-opus-4-5", Some((4, 5))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-sonnet-4@20250514", Some((4, 0))),
            ("claude-3-7-sonnet-latest", Some((3, 7))),
            ("claude-2.1", Some((2, 1))),
            ("claude-fable-5-1", Some((5, 1))),
            ("claude-sonnet-5", Some((5, 0))),
            ("anthropic/claude-4.7-opus", Some((4, 7))),
            ("us.anthropic.claude-opus-4-6-v1:0", Some((4, 6))),
            ("claude-mythos-preview", None),
            ("deepseek-chat", None),
            ("glm-4.6", None),
        ] {
            assert_eq!(version(model), expected, "{model}");
        }
    }

    #[test]
    fn generations_differ_in_how_they_think() {
        for (model, expected) in [
            ("claude-sonnet-4-5", [false, true, false]),
            ("claude-opus-4-6", [true, true, false]),
            ("claude-opus-4-7", [true, false, false]),
            ("claude-opus-5", [true, false, false]),
            ("claude-fable-5-1", [true, false, true]),
            ("claude-haiku-5-5", [true, false, true]),
            ("claude-mythos-preview", [true, true, false]),
            ("kimi-k2", [false, true, false]),
        ] {
            let found = [is_adaptive(model), takes_budget(model), binds_thoughts(model)];
            assert_eq!(found, expected, "{model}");
        }
        assert!(are_alike("claude-opus-5", "claude-opus-4-8") && are_alike("glm-5", "glm-5"));
        assert!(!are_alike("claude-opus-5", "glm-5") && !are_alike("glm-5", "kimi-k2"));
    }
}
