//! How long a server that refuses a call asks to wait.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// From here on a number is a moment, in seconds since 1970; below, it is a wait.
const MOMENT_SECONDS_MIN: f64 = 1e9;

/// From here on a moment is in milliseconds.
const MOMENT_MILLIS_MIN: f64 = 1e12;

/// Reads `retry-after-ms`, or `Retry-After` as seconds or as a date; where neither is said and the status
/// is that of a busy server, the [headers of its limits](reset).
///
/// A date counts from the server's own `Date`, so no clock of ours is asked; without one it says
/// nothing. To be asked about errors alone: some servers send the same headers with whole answers.
pub(crate) fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| text(headers, name)?.parse::<f64>().ok();
    if let Some(millis) = number("retry-after-ms") {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| rfc2822::parse(text).ok().map(|date| date.timestamp());
    let until = text(headers, RETRY_AFTER.as_str()).and_then(date);
    let asked = until.and_then(|until| Some(between(sent(headers)?, until)));
    asked.or_else(|| if matches!(status, 429 | 503 | 529) { reset(headers) } else { None })
}

/// When the limits that servers tell of are whole again: `x-ratelimit-reset-requests` and its like,
/// `anthropic-ratelimit-tokens-reset` and its like, `ratelimit-reset`, `ratelimitbysize-reset`.
///
/// Of the limits of which nothing remains, the last one counts. Where all have some left, it was too little
/// for this call, and who knows of which: then the first one counts, as asking again too late is worse than
/// being refused once more.
fn reset(headers: &HeaderMap) -> Option<Duration> {
    let mut used_up = None;
    let mut first: Option<Duration> = None;
    for (name, value) in headers {
        let name = name.as_str();
        if !name.contains("ratelimit") || !name.contains("-reset") {
            continue;
        }
        let Some(wait) = value.to_str().ok().and_then(|value| wait(value.trim(), headers)) else {
            continue;
        };
        let remaining = text(headers, &name.replace("-reset", "-remaining"));
        if remaining.and_then(|left| left.parse::<f64>().ok()).is_some_and(|left| left == 0.0) {
            used_up = used_up.max(Some(wait));
        }
        first = Some(first.map_or(wait, |first| first.min(wait)));
    }
    used_up.or(first)
}

/// A wait as servers write it: `20ms`, `1s`, `6m0s`, `7.66`, a moment by RFC 3339, or the seconds or
/// milliseconds since 1970 of one.
fn wait(value: &str, headers: &HeaderMap) -> Option<Duration> {
    if let Ok(number) = value.parse::<f64>() {
        if number < MOMENT_SECONDS_MIN {
            return Duration::try_from_secs_f64(number).ok();
        }
        let seconds = if number < MOMENT_MILLIS_MIN { number } else { number / 1000.0 };
        let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
        return Some(between(sent(headers)?, Timestamp::from_duration(since).ok()?));
    }
    if let Ok(until) = value.parse::<Timestamp>() {
        return Some(between(sent(headers)?, until));
    }
    value.parse::<SignedDuration>().ok()?.try_into().ok()
}

/// When the server says that it answered.
fn sent(headers: &HeaderMap) -> Option<Timestamp> {
    Some(rfc2822::parse(text(headers, DATE.as_str())?).ok()?.timestamp())
}

/// How long it is from `now` to `until`; nothing when that is past.
fn between(now: Timestamp, until: Timestamp) -> Duration {
    until.duration_since(now).try_into().unwrap_or_default()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const DATED: (&str, &str) = ("date", "Tue, 24 Nov 2026 12:00:00 GMT");

    fn check_status(
        status: u16,
        headers: &[(&'static str, &'static str)],
        expected: Option<Duration>,
    ) {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let map: HeaderMap = headers.iter().map(pair).collect();
        assert_eq!(retry_after(status, &map), expected, "{status} {headers:?}");
    }

    fn check(headers: &[(&'static str, &'static str)], expected: Option<Duration>) {
        check_status(429, headers, expected);
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read_and_nonsense_is_not() {
        check(&[("retry-after", "2")], Some(Duration::from_secs(2)));
        check(&[("retry-after", " 0.5 ")], Some(Duration::from_millis(500)));
        check(
            &[("retry-after", "9"), ("retry-after-ms", "1500")],
            Some(Duration::from_millis(1500)),
        );
        let later = ("retry-after", "Tue, 24 Nov 2026 12:01:30 GMT");
        check(&[later, DATED], Some(Duration::from_secs(90)));
        let past = ("retry-after", "Tue, 24 Nov 2026 11:00:00 GMT");
        check(&[past, DATED], Some(Duration::ZERO));
        check(&[later], None);
        check(&[], None);
        for nonsense in ["-1", "soon", "1e400", "NaN", ""] {
            check(&[("retry-after", nonsense), DATED], None);
        }
    }

    #[test]
    fn the_reset_of_a_limit_is_read_in_every_form() {
        for (name, value, millis) in [
            ("x-ratelimit-reset-requests", "1s", 1_000),
            ("x-ratelimit-reset-requests", "12ms", 12),
            ("x-ratelimit-reset-tokens", "6m0s", 360_000),
            ("x-ratelimit-reset-tokens", "2m59.56s", 179_560),
            ("x-ratelimit-reset-tokens", "1h2m3s", 3_723_000),
            ("x-ratelimit-reset-tokens-minute", "11.38", 11_380),
            ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:07Z", 7_000),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-24T13:00:07+01:00", 7_000),
            ("anthropic-ratelimit-output-tokens-reset", "2026-11-24T11:00:00Z", 0),
            ("ratelimit-reset", "30", 30_000),
            ("ratelimitbysize-reset", "28", 28_000),
            ("x-ratelimit-reset", "1795521640", 40_000),
            ("x-ratelimit-reset", "1795521640250", 40_250),
        ] {
            check(&[(name, value), DATED], Some(Duration::from_millis(millis)));
        }
        for (name, value) in [
            ("x-ratelimit-reset-requests", "soon"),
            ("x-ratelimit-reset-requests", "-5"),
            ("x-ratelimit-reset-requests", "5s ago"),
            ("x-ratelimit-limit-requests", "60"),
            ("x-reset", "60"),
        ] {
            check(&[(name, value), DATED], None);
        }
        // Without the server's own time a moment says nothing.
        check(&[("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:07Z")], None);
        check(&[("x-ratelimit-reset", "1795521640")], None);
    }

    #[test]
    fn the_limit_that_is_used_up_counts() {
        let requests = ("x-ratelimit-reset-requests", "6m0s");
        let tokens = ("x-ratelimit-reset-tokens", "9s");
        let some = ("x-ratelimit-remaining-requests", "99");
        let none = ("x-ratelimit-remaining-tokens", "0");
        check(&[requests, tokens, some, none], Some(Duration::from_secs(9)));
        let none_either = ("x-ratelimit-remaining-requests", "0");
        check(&[requests, tokens, none_either, none], Some(Duration::from_mins(6)));
        let few = ("x-ratelimit-remaining-tokens", "12");
        check(&[requests, tokens, some, few], Some(Duration::from_secs(9)));
        // What the server asks for counts more.
        check(&[("retry-after", "2"), requests, none_either], Some(Duration::from_secs(2)));
    }

    #[test]
    fn limits_are_looked_at_only_when_the_server_is_busy() {
        let reset = ("x-ratelimit-reset-tokens", "9s");
        for status in [429, 503, 529] {
            check_status(status, &[reset], Some(Duration::from_secs(9)));
        }
        for status in [400, 401, 500, 502] {
            check_status(status, &[reset], None);
            check_status(status, &[reset, ("retry-after", "2")], Some(Duration::from_secs(2)));
        }
    }
}
