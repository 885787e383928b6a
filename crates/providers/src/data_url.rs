//! `data:` URLs, taken apart.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

/// The content of a `data:` URL that is coded in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataUrl<'u> {
    /// The media type, without parameters: `image/png`.
    pub(crate) media_type: &'u str,
    /// The content, in base64.
    pub(crate) base64: &'u str,
}

impl<'u> DataUrl<'u> {
    /// Takes `url` apart; `None` when it is another URL, names no media type, or is coded otherwise.
    pub(crate) fn parse(url: &'u str) -> Option<Self> {
        let (head, base64) = url.strip_prefix("data:")?.split_once(',')?;
        let head = head.strip_suffix(";base64")?;
        let media_type = head.split_once(';').map_or(head, |(media_type, _)| media_type);
        media_type.contains('/').then_some(Self { media_type, base64 })
    }

    /// The content as text; `None` when it is none.
    pub(crate) fn text(&self) -> Option<String> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(self.base64.trim_end_matches('=')).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Bytes of the content.
    pub(crate) fn len(&self) -> usize {
        let digits = self.base64.trim_end_matches('=').len();
        digits / 4 * 3 + (digits % 4).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_in_base64_is_taken_apart_and_measured() {
        let check = |url: &str, expected: Option<(&str, &str, usize)>| {
            let parsed = DataUrl::parse(url);
            let parts = parsed.map(|parsed| (parsed.media_type, parsed.base64, parsed.len()));
            assert_eq!(parts, expected, "{url}");
        };
        check("data:image/png;base64,aGVsbG8=", Some(("image/png", "aGVsbG8=", 5)));
        check(
            "data:audio/wav;codecs=1;base64,aGVsbG8hIQ==",
            Some(("audio/wav", "aGVsbG8hIQ==", 7)),
        );
        check("data:text/plain;base64,", Some(("text/plain", "", 0)));
        check("data:text/plain,hello", None);
        check("data:;base64,aGVsbG8=", None);
        check("https://example.com/a.png", None);
    }

    #[test]
    fn content_that_is_text_is_read() {
        let check = |base64: &str, expected: Option<&str>| {
            let url = format!("data:text/plain;base64,{base64}");
            let text = DataUrl::parse(&url).expect("a good URL").text();
            assert_eq!(text.as_deref(), expected, "{base64}");
        };
        for (base64, text) in [
            ("", ""),
            ("aA==", "h"),
            ("aGU=", "he"),
            ("aGVs", "hel"),
            ("aGVsbG8=", "hello"),
            ("aGVsbG8", "hello"),
            ("w6k+Pz8/fg==", "é>???~"),
        ] {
            check(base64, Some(text));
        }
        for odd in ["a", "aGVsb", "a-b_", "a b=", "/w=="] {
            check(odd, None);
        }
    }
}
