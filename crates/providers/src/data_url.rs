//! `data:` URLs, taken apart.

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
}
