//! How people write how long something takes.

use std::time::Duration;

/// The units, and how many seconds each has.
const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];

/// What is right, for who wrote something else.
const FORM: &str = "write a number and a unit: `90s`, `15m`, `2h`, `7d`";

/// Reads `90s`, `15m`, `2h` or `7d`; nothing lasts no time.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let (number, seconds) = UNITS
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)))
        .filter(|(number, _)| number.bytes().all(|digit| digit.is_ascii_digit()))
        .ok_or(FORM)?;
    if number.is_empty() {
        return Err(FORM.to_owned());
    }
    let number: Option<u64> = number.parse().ok();
    match number.and_then(|number| number.checked_mul(seconds)) {
        Some(0) => Err("it would be over at once".to_owned()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("that is too long".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7_200), ("7d", 604_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "90", "1.5h", "-1s", "+1s", "2 h", "1w", "h2", "２h"] {
            assert_eq!(parse(text), Err(FORM.to_owned()), "{text}");
        }
        assert_eq!(parse("0s"), Err("it would be over at once".to_owned()));
        for text in ["99999999999999999999s", "999999999999999999d"] {
            assert_eq!(parse(text), Err("that is too long".to_owned()), "{text}");
        }
    }
}
