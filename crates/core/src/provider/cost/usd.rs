//! Dollars as people write them, and as they are counted.

/// Digits behind the point of a dollar that are counted.
const DIGITS: usize = 6;

/// Millionths of a dollar in a dollar.
const MICRO: u64 = 1_000_000;

/// Trillionths of a dollar in a dollar.
const PICO: f64 = 1e12;

/// Trillionths of a dollar in a millionth of one.
pub const PICO_PER_MICRO: u64 = 1_000_000;

/// The least number of dollars that is shown of a cost.
const FINEST: f64 = 0.0001;

/// Millionths of a dollar in `dollars`, which is written as a decimal number: `2.5` is 2 500 000. `None`
/// when it is none, is below 0, is finer than a millionth or is larger than can be counted.
///
/// ```
/// use branchwork_core::provider::micro_usd;
///
/// assert_eq!(micro_usd("0.075"), Some(75_000));
/// assert_eq!(micro_usd("-1"), None);
/// ```
pub fn micro_usd(dollars: &str) -> Option<u64> {
    let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DIGITS {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<DIGITS$}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(MICRO)?.checked_add(fraction)
}

/// `micro_usd` millionths of a dollar in dollars, as [`micro_usd`] reads them: `2.5`.
pub fn shown_micro_usd(micro_usd: u64) -> String {
    let (whole, fraction) = (micro_usd / MICRO, micro_usd % MICRO);
    let text = format!("{whole}.{fraction:0>DIGITS$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Dollars in `pico_usd` trillionths of one.
#[expect(clippy::cast_precision_loss, reason = "it is shown, not added up")]
pub fn usd(pico_usd: u64) -> f64 {
    pico_usd as f64 / PICO
}

/// Trillionths of a dollar in `usd` dollars, as whole as they were counted: what [`usd`] was made from.
///
/// ```
/// use branchwork_core::provider::{pico_usd, usd};
///
/// assert_eq!(pico_usd(usd(123_456_789)), 123_456_789);
/// ```
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cost is never below 0, and saturates far above any"
)]
pub fn pico_usd(usd: f64) -> u64 {
    (usd * PICO).round() as u64
}

/// A cost for people, to a hundredth of a cent: `$0.0123`. What is less and not nothing is `<$0.0001`. Below
/// 0 it is `-$0.0123`, and `>-$0.0001`.
pub fn shown_usd(usd: f64) -> String {
    let (size, sign, than) = if usd < 0.0 { (-usd, "-", ">") } else { (usd.abs(), "", "<") };
    if size > 0.0 && size < FINEST {
        format!("{than}{sign}${FINEST}")
    } else {
        format!("{sign}${size:.4}")
    }
}

/// Two sums of dollars together, to a trillionth of one: adding up many makes no error of its own.
pub fn add_usd(left: f64, right: f64) -> f64 {
    ((left * PICO).round() + (right * PICO).round()) / PICO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_and_shown_exactly_or_not_at_all() {
        for (text, micro) in [
            ("0", 0),
            ("15", 15_000_000),
            ("2.5", 2_500_000),
            ("0.000001", 1),
            ("0.0375", 37_500),
            ("18446744073709.551615", u64::MAX),
        ] {
            assert_eq!(micro_usd(text), Some(micro), "{text}");
            assert_eq!(shown_micro_usd(micro), text);
        }
        assert_eq!(micro_usd("2.500000000"), Some(2_500_000));
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e-3", "1,5", "0.0000001", "18446744073709.551616"]
        {
            assert_eq!(micro_usd(text), None, "{text}");
        }
    }

    #[test]
    fn a_cost_that_is_not_nothing_is_not_shown_as_nothing() {
        let shown = [0.0, 0.000_099, 0.000_1, 0.012_345, 12.0].map(shown_usd);
        assert_eq!(shown, ["$0.0000", "<$0.0001", "$0.0001", "$0.0123", "$12.0000"]);
        let shown = [-0.0, -0.000_099, -0.000_1, -0.012_345, -12.0].map(shown_usd);
        assert_eq!(shown, ["$0.0000", ">-$0.0001", "-$0.0001", "-$0.0123", "-$12.0000"]);
    }

    #[test]
    fn dollars_add_up_to_what_they_are() {
        let sum = |dollars: &[f64]| dollars.iter().copied().fold(0.0, add_usd).to_string();
        assert_eq!(sum(&[0.1, 0.2, 0.000_000_3]), "0.3000003");
        assert_eq!(sum(&[0.001; 1_000]), "1");
        assert_eq!(sum(&[0.3, -0.1]), "0.2");
        assert_eq!(sum(&[-0.0]), "0", "nothing has no sign");
    }
}
