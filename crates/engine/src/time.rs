//! Times as people and files write them.

use branchwork_core::clock::Timestamp;
use jiff::{Timestamp as Moment, tz::TimeZone};

/// RFC 3339 in UTC, to the microsecond: `2026-11-26T10:15:03.000001Z`.
pub fn rfc3339(time: Timestamp) -> String {
    format!("{:.6}", moment(time))
}

/// The day, UTC: `2026-11-26`.
pub fn day(time: Timestamp) -> String {
    moment(time).to_zoned(TimeZone::UTC).date().to_string()
}

/// For names of files: `20261126101503`, UTC.
pub fn compact(time: Timestamp) -> String {
    moment(time).strftime("%Y%m%d%H%M%S").to_string()
}

/// The nearest moment that the calendar of the library has.
fn moment(time: Timestamp) -> Moment {
    let fallback = if time.as_micros() < 0 { Moment::MIN } else { Moment::MAX };
    Moment::from_microsecond(time.as_micros()).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_to_the_microsecond() {
        let time = Timestamp::from_micros(1_795_651_199_000_001);
        assert_eq!(rfc3339(time), "2026-11-25T23:59:59.000001Z");
        assert_eq!(
            (day(time).as_str(), day(Timestamp::from_micros(-1)).as_str()),
            ("2026-11-25", "1969-12-31")
        );
        assert_eq!(rfc3339(Timestamp::default()), "1970-01-01T00:00:00.000000Z");
        assert!(rfc3339(Timestamp::from_micros(i64::MAX)).starts_with("9999-12-30"));
    }
}
