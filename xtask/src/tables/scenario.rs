//! Scenarios, as tests are named by them: `s022_and_s023_…`, `s007_to_s012_…`.

use std::ops::RangeInclusive;

/// Digits of a scenario in the name of a test.
const DIGITS: usize = 3;

/// The scenarios that a test of this name shows.
pub(super) fn named_by(test: &str) -> Vec<RangeInclusive<u32>> {
    let mut spans: Vec<RangeInclusive<u32>> = Vec::new();
    let (mut before, mut goes_on) = (None, false);
    for piece in test.split('_') {
        let number = number(piece);
        match (number, spans.last_mut()) {
            (Some(last), Some(span)) if goes_on => *span = *span.start()..=last,
            (Some(number), _) => spans.push(number..=number),
            (None, _) => {}
        }
        goes_on = piece == "to" && before.is_some();
        before = number;
    }
    spans
}

/// The number of `s022`; nothing when it is another word.
fn number(piece: &str) -> Option<u32> {
    let digits = piece.strip_prefix('s')?;
    let is_number = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_one_several_or_a_span_of_scenarios() {
        for (name, spans) in [
            ("s001_a_new_branch_has_no_messages", vec![1..=1]),
            ("s022_and_s023_rollback_takes_off", vec![22..=22, 23..=23]),
            ("s007_to_s012_the_messages", vec![7..=12]),
            ("s001_and_s007_to_s012_and_s196", vec![1..=1, 7..=12, 196..=196]),
            ("s020_leads_to_an_edit_and_s021", vec![20..=20, 21..=21]),
            ("s020_to_be_s021", vec![20..=20, 21..=21]),
            ("what_shows_s050_may_say_so_anywhere", vec![50..=50]),
        ] {
            assert_eq!(named_by(name), spans, "{name}");
        }
    }

    #[test]
    fn other_words_are_no_scenarios() {
        for name in ["a_fork_shares_the_past", "s1_x", "s0123_x", "s12a_x", "s+12_x", "as001", "s"]
        {
            assert!(named_by(name).is_empty(), "{name}");
        }
    }
}
