//! How long a server asks to wait.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Reads `retry-after-ms`, or `Retry-After` as seconds or as a date.
///
/// A date counts from the server's own `Date`, so no clock of ours is asked; without one it says
/// nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    if let Some(millis) = number("retry-after-ms") {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |name: &str| rfc2822::parse(text(name)?).ok();
    let (until, now) = (date(RETRY_AFTER.as_str())?, date(DATE.as_str())?);
    let seconds = until.timestamp().as_second() - now.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<Duration>) {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let map: HeaderMap = headers.iter().map(pair).collect();
        assert_eq!(retry_after(&map), expected, "{headers:?}");
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read_and_nonsense_is_not() {
        let date = ("date", "Tue, 24 Nov 2026 12:00:00 GMT");
        check(&[("retry-after", "2")], Some(Duration::from_secs(2)));
        check(&[("retry-after", " 0.5 ")], Some(Duration::from_millis(500)));
        check(
            &[("retry-after", "9"), ("retry-after-ms", "1500")],
            Some(Duration::from_millis(1500)),
        );
        let later = ("retry-after", "Tue, 24 Nov 2026 12:01:30 GMT");
        check(&[later, date], Some(Duration::from_secs(90)));
        let past = ("retry-after", "Tue, 24 Nov 2026 11:00:00 GMT");
        check(&[past, date], Some(Duration::ZERO));
        check(&[later], None);
        check(&[], None);
        for nonsense in ["-1", "soon", "1e400", "NaN", ""] {
            check(&[("retry-after", nonsense), date], None);
        }
    }
}
