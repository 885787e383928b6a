//! Where a JSON object that comes in pieces ends.

use serde::de::IgnoredAny;

/// Whether an object is whole. Looks at each byte once, and reads the object once more when its braces are
/// even.
#[derive(Debug, Default)]
pub(super) struct ObjectEnd {
    state: State,
    /// Objects that are open.
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// More of it may come.
    #[default]
    Open,
    /// Nothing but white space may come.
    Whole,
    /// It is no object, and none that begins like this is.
    Broken,
}

impl ObjectEnd {
    /// Whether all of an object came, and nothing else.
    pub(super) fn is_reached(&self) -> bool {
        self.state == State::Whole
    }

    /// Looks at the next `piece`, with which `all` ends.
    pub(super) fn look(&mut self, piece: &str, all: &str) {
        let was_open = self.state == State::Open;
        for byte in piece.bytes() {
            match self.state {
                State::Broken => return,
                State::Whole if !is_space(byte) => self.state = State::Broken,
                State::Whole => {}
                State::Open => self.step(byte),
            }
        }
        // Even braces are no object yet.
        if was_open && self.is_reached() && serde_json::from_str::<IgnoredAny>(all).is_err() {
            self.state = State::Broken;
        }
    }

    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.is_in_text => {
                self.is_in_text = byte != b'"' || self.is_escaped;
                self.is_escaped = byte == b'\\' && !self.is_escaped;
            }
            b'{' => self.depth += 1,
            b'}' if self.depth == 1 => (self.depth, self.state) = (0, State::Whole),
            b'}' if self.depth > 1 => self.depth -= 1,
            b'"' if self.depth > 0 => self.is_in_text = true,
            _ if self.depth > 0 || is_space(byte) => {}
            _ => self.state = State::Broken,
        }
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_whole(pieces: &[&str]) -> bool {
        let (mut end, mut all) = (ObjectEnd::default(), String::new());
        for piece in pieces {
            all.push_str(piece);
            end.look(piece, &all);
        }
        end.is_reached()
    }

    #[test]
    fn an_object_is_whole_when_it_can_be_read() {
        for (pieces, expected) in [
            (&["{}"][..], true),
            (&[" {", "}", " \n"], true),
            (&["{\"a\":{\"b\":[{}]}", "}"], true),
            (&["{\"a\":\"}\\", "\"}\"", "}"], true),
            (&["{\"a\":\"\\\\\"}"], true),
            (&["{\"a\":{}"], false),
            (&["{\"a\":\"}\\\"}"], false),
            (&["{a}"], false),
            (&["{]}"], false),
            (&["{}", "}"], false),
            (&["{}", "{}"], false),
            (&["[1]"], false),
            (&["}{}"], false),
            (&[""], false),
        ] {
            assert_eq!(is_whole(pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn many_pieces_cost_no_more_than_what_they_hold() {
        let (mut end, mut all) = (ObjectEnd::default(), "{\"a\":\"".to_owned());
        end.look("{\"a\":\"", &all);
        // Reading all of it for each of them would take minutes.
        for _ in 0..200_000 {
            all.push('}');
            end.look("}", &all);
        }
        assert!(!end.is_reached());
        all.push_str("\"}");
        end.look("\"}", &all);
        assert!(end.is_reached());
        for _ in 0..200_000 {
            all.push('}');
            end.look("}", &all);
        }
        assert!(!end.is_reached());
    }

    proptest! {
        #[test]
        fn any_pieces_are_whole_when_their_text_is(
            pieces in prop::collection::vec("[{}\\[\\]\"\\\\:a1, ]{0,4}", 0..8),
        ) {
            let all = pieces.concat();
            let expected = all.trim_start().starts_with('{')
                && serde_json::from_str::<IgnoredAny>(&all).is_ok();
            let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(is_whole(&pieces), expected);
        }
    }
}
