//! Headers that hold no key.

/// Headers whose values servers document, repeat and log: versions, kinds, names. In lower case.
const PUBLIC: [&str; 14] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "anthropic-version",
    "cache-control",
    "content-type",
    "http-referer",
    "openai-beta",
    "origin",
    "referer",
    "user-agent",
    "x-title",
];

/// Whether the header of that name never holds a key. One that nobody knows may.
pub(crate) fn is_public(header: &str) -> bool {
    PUBLIC.iter().any(|public| header.eq_ignore_ascii_case(public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_may_hold_a_key_are_not_public() {
        for public in ["Anthropic-Beta", "anthropic-version", "Content-Type", "X-Title"] {
            assert!(is_public(public), "{public}");
        }
        for other in ["authorization", "x-api-key", "api-key", "cookie", "x-unheard-of", ""] {
            assert!(!is_public(other), "{other}");
        }
    }
}
