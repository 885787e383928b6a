//! Keys and tokens: never shown, and taken out of what servers say.

use std::{fmt, ops::Range};

/// Characters of a server's message that are kept.
const DETAIL_CHARS_MAX: usize = 500;

/// Backslashes before an escaped letter that are looked over: JSON within JSON, four deep.
const BACKSLASHES_MAX: usize = 16;

/// Letters between `&#` and `;` of the highest character.
const HTML_CODE_MAX: usize = 8;

/// Bytes of the longest form of one letter, `\u0073` behind all backslashes.
const FORM_BYTES_MAX: usize = BACKSLASHES_MAX + 5;

/// What stands where a key stood.
const MASK: &str = "***";

/// A key. `Debug` does not show it, and there is no `Display`.
///
/// ```
/// use branchwork_core::secret::Secret;
///
/// assert_eq!(format!("{:?}", Secret::new("sk-very-secret")), "Secret(***)");
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text` without the white space around it, which keys read from files often have.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, for where it is wanted (a request header, the environment of a child) and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({MASK})")
    }
}

/// Takes `secrets` out of `text`, however their letters are written there: in either case, or escaped as in
/// URLs, JSON or HTML. What a server encodes otherwise cannot be told from anything else.
///
/// ```
/// use branchwork_core::secret::{Secret, redact};
///
/// let key = [Secret::new("sk-a/b+c")];
/// assert_eq!(redact("?key=sk%2Da%2fb%2Bc&then=SK-A\\/B+C", &key), "?key=***&then=***");
/// ```
pub fn redact(text: &str, secrets: &[Secret]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for Range { start, end } in found(text, secrets) {
        kept.push_str(text.get(from..start).unwrap_or_default());
        kept.push_str(MASK);
        from = end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// Where `secrets` are in `text`, in any of the forms that [`redact`] knows: in order; those that overlap as
/// one.
///
/// ```
/// use branchwork_core::secret::{Secret, found};
///
/// assert_eq!(found("a SK-1 b", &[Secret::new("sk-1")]), [2..6]);
/// ```
pub fn found(text: &str, secrets: &[Secret]) -> Vec<Range<usize>> {
    let secrets = secrets.iter().map(Secret::reveal).filter(|secret| !secret.is_empty());
    let mut ranges: Vec<_> = secrets.flat_map(|secret| places(text, secret)).collect();
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Bytes at the end of `text` that one of `secrets` may begin with, in any of the forms that [`redact`] knows:
/// what is to be held back of a text that comes in pieces.
///
/// ```
/// use branchwork_core::secret::{Secret, begun};
///
/// let key = [Secret::new("sk-a/b+c")];
/// assert_eq!(begun("It is SK-a%2", &key), "SK-a%2".len());
/// assert_eq!(begun("It is not", &key), 0);
/// ```
pub fn begun(text: &str, secrets: &[Secret]) -> usize {
    let of = |secret: &str| {
        let first = secret.chars().next()?;
        let longest = secret.chars().count().saturating_mul(FORM_BYTES_MAX);
        let end = text.get(text.ceil_char_boundary(text.len().saturating_sub(longest))..)?;
        let starts = end.char_indices().filter(|(_, letter)| may_begin(*letter, first));
        let mut rests = starts.filter_map(|(start, _)| end.get(start..));
        rests.find(|rest| may_go_on(rest, secret)).map(str::len)
    };
    let secrets = secrets.iter().map(Secret::reveal).filter(|secret| !secret.is_empty());
    secrets.filter_map(of).max().unwrap_or_default()
}

/// Whether a form of `first` begins with `letter`: most letters are passed by at once.
const fn may_begin(letter: char, first: char) -> bool {
    letter.eq_ignore_ascii_case(&first) || matches!(letter, '%' | '\\' | '&')
}

/// Whether `text` is the beginning of `secret`, and not all of it.
fn may_go_on(text: &str, secret: &str) -> bool {
    let mut rest = text;
    for wanted in secret.chars() {
        match after(rest, wanted) {
            _ if is_cut(rest) => return true,
            Some(after) => rest = after,
            None => return false,
        }
    }
    false
}

/// Whether there is nothing, or the beginning of the form of one letter.
fn is_cut(text: &str) -> bool {
    let is_hex = |text: &str| text.chars().all(|letter| letter.is_ascii_hexdigit());
    if let Some(code) = text.strip_prefix('%') {
        return code.len() < 2 && is_hex(code);
    }
    if let Some(code) = text.strip_prefix('&') {
        let digits = code.strip_prefix('#').unwrap_or(code);
        let is_code = digits.len() < code.len() && is_hex(digits.trim_start_matches(['x', 'X']));
        return code.is_empty() || (is_code && digits.len() <= HTML_CODE_MAX);
    }
    match bare(text) {
        Some(bare) => {
            let code = bare.strip_prefix('u');
            bare.is_empty() || code.is_some_and(|code| code.len() < 4 && is_hex(code))
        }
        None => text.is_empty(),
    }
}

/// Where `secret` is in `text`, one behind the other.
fn places(text: &str, secret: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let Some(first) = secret.chars().next() else { return places };
    let may_begin = |letter: char| may_begin(letter, first);
    let mut rest = text;
    while let Some(here) = rest.find(may_begin).and_then(|start| rest.get(start..)) {
        let start = text.len() - here.len();
        if let Some(after) = secret.chars().try_fold(here, after) {
            places.push(start..text.len() - after.len());
            rest = after;
        } else {
            let mut letters = here.chars();
            letters.next();
            rest = letters.as_str();
        }
    }
    places
}

/// What follows `wanted`, when `text` begins with it in any of its forms.
fn after(text: &str, wanted: char) -> Option<&str> {
    let forms = [in_json, plain, in_url, in_html];
    forms.iter().find_map(|form| form(text, wanted))
}

fn plain(text: &str, wanted: char) -> Option<&str> {
    text.strip_prefix(|letter: char| letter.eq_ignore_ascii_case(&wanted))
}

/// `%2F`
fn in_url(text: &str, wanted: char) -> Option<&str> {
    coded(text.strip_prefix('%')?, 2, wanted)
}

/// `\/` and `\u002f`; JSON within JSON has several backslashes.
fn in_json(text: &str, wanted: char) -> Option<&str> {
    let bare = bare(text)?;
    // A code begins with a `u`, which may itself be what is wanted.
    let code = bare.strip_prefix('u').and_then(|code| coded(code, 4, wanted));
    code.or_else(|| plain(bare, wanted))
}

/// What follows the backslashes that `text` begins with.
fn bare(text: &str) -> Option<&str> {
    let is_backslash = |letter: &u8| *letter == b'\\';
    let count = text.bytes().take(BACKSLASHES_MAX).take_while(is_backslash).count();
    text.get(count..).filter(|_| count > 0)
}

/// `&#x2F;` and `&#47;`
fn in_html(text: &str, wanted: char) -> Option<&str> {
    let text = text.strip_prefix("&#")?;
    let end = text.bytes().take(HTML_CODE_MAX + 1).position(|letter| letter == b';')?;
    let (code, after) = (text.get(..end)?, text.get(end + 1..)?);
    let is_it = match code.strip_prefix(['x', 'X']) {
        Some(code) => is_code(code, 16, wanted),
        None => is_code(code, 10, wanted),
    };
    is_it.then_some(after)
}

fn coded(text: &str, digits: usize, wanted: char) -> Option<&str> {
    let (code, after) = text.split_at_checked(digits)?;
    is_code(code, 16, wanted).then_some(after)
}

fn is_code(digits: &str, radix: u32, wanted: char) -> bool {
    let letter = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    letter.is_some_and(|letter| letter.eq_ignore_ascii_case(&wanted))
}

/// What of a message goes into an error: on one line, short, without `secrets`.
pub fn detail(message: &str, secrets: &[Secret]) -> String {
    let redacted = redact(message, secrets);
    let mut line = String::new();
    for word in redacted.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => line.get(..end).unwrap_or_default().to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_also_where_one_holds_another() {
        let secrets = [Secret::new("sk-1"), Secret::new(" sk-12\n"), Secret::new("")];
        assert_eq!(redact("keys sk-12, sk-1 and sk-13", &secrets), "keys ***, *** and ***3");
        assert_eq!(redact("sk-1sk-12", &secrets), "******");
        let overlapping = [Secret::new("abcd"), Secret::new("cdef")];
        assert_eq!(redact("x abcdef y", &overlapping), "x *** y");
    }

    #[test]
    fn a_secret_is_known_however_its_letters_are_written() {
        let secrets = [Secret::new("sk-a/b+c=\"d\\e")];
        for written in [
            "sk-a/b+c=\"d\\e",
            "SK-A/b+C=\"D\\E",
            "sk-a%2Fb%2bc%3D%22d%5Ce",
            "%73k%2Da/b+c=\"d\\e",
            r#"sk-a\/b+c=\"d\\e"#,
            r#"sk-a\\\/b+c=\\\"d\\\\e"#,
            r"sk-a\u002fb\u002Bc=\u0022d\u005ce",
            "sk-a&#x2F;b&#43;c&#X3d;&#34;d&#92;e",
        ] {
            assert_eq!(redact(&format!("a {written} é"), &secrets), "a *** é", "{written}");
        }
        let with_u = [Secret::new("sk-u1")];
        for written in [r"sk-\u00751", r"sk-\\u00551", r"sk-\u1", "sk-&#117;1"] {
            assert_eq!(redact(written, &with_u), "***", "{written}");
        }
        for other in ["sk-a/b+c=", "sk-a%2Eb+c", r"\", "%", "%2", "%é", "&#", "&#x2F", "\\u00", ""]
        {
            assert_eq!(redact(other, &secrets), other);
        }
    }

    #[test]
    fn what_is_held_back_is_what_may_go_on_as_a_secret() {
        let secrets = [Secret::new("sk-a/b+c=\"d\\e")];
        for written in [
            "sk-a/b+c=\"d\\e",
            "SK-A/b+C=\"D\\E",
            "sk-a%2Fb%2bc%3D%22d%5Ce",
            r#"sk-a\/b+c=\"d\\e"#,
            r#"sk-a\\\/b+c=\\\"d\\\\e"#,
            r"sk-a\u002fb\u002Bc=\u0022d\u005ce",
            "sk-a&#x2F;b&#43;c&#X3d;&#34;d&#92;e",
        ] {
            for cut in 1..written.len() {
                let (left, right) = written.split_at(cut);
                let said = format!("é {left}");
                assert_eq!(begun(&said, &secrets), cut, "{left}");
                assert_eq!(redact(&format!("{said}{right}"), &secrets), "é ***");
            }
        }
        for other in
            ["", "é", "sk-b", "%zz", "&amp", "&#x123456789", "\\n", "\\uzz", "sk-a ", "%2E"]
        {
            assert_eq!(begun(other, &secrets), 0, "{other}");
        }
    }

    #[test]
    fn endless_escapes_are_read_in_bounded_steps() {
        let secrets = [Secret::new("sk-a/b")];
        for letter in ["\\", "&#", "%"] {
            let text = letter.repeat(1 << 20);
            assert_eq!(redact(&text, &secrets), text);
        }
    }

    #[test]
    fn a_detail_is_one_short_line_cut_between_characters() {
        assert_eq!(detail(" two\r\n\tlines \0 of\u{7f}text ", &[]), "two lines of text");
        let long = detail(&"é".repeat(600), &[]);
        assert_eq!(long.chars().count(), DETAIL_CHARS_MAX);
        // The key is taken out before the cut, so no half of it stays.
        let message = format!("{}sk-long-key", "x".repeat(DETAIL_CHARS_MAX - 4));
        assert!(!detail(&message, &[Secret::new("sk-long-key")]).contains("sk-"));
    }
}
