//! How calls of a provider are made: fields of `[providers.NAME]`, which are options of commands too.

use std::{num::NonZeroU64, time::Duration};

use toml_edit::Item;

use super::{list, seconds};
use crate::args::Resilience;

/// Every such field, with what it is for.
pub(crate) const CALLS: [(&str, &str); 14] = [
    ("retries", "how often a call is made anew that failed for a reason that passes; 0"),
    ("requests_per_minute", "calls in a minute at most, within one run of the program"),
    ("tokens_per_minute", "tokens read and written in a minute at most"),
    ("input_tokens_per_minute", "tokens read in a minute at most"),
    ("output_tokens_per_minute", "tokens written in a minute at most"),
    ("concurrent_calls", "calls at the same time at most"),
    ("connect_timeout", "seconds until it must be connected; 10"),
    ("first_token_timeout", "seconds until the model must have said something"),
    ("between_tokens_timeout", "seconds that it may be silent in the middle of an answer"),
    ("total_timeout", "seconds until an answer must be whole"),
    ("breaker_failures", "failures in a row after which it is left alone"),
    ("breaker_cool_down", "seconds for which it is; 30"),
    (
        "fallbacks",
        "whom to ask when it cannot answer, in order: `[\"provider\", \"provider:model\"]`",
    ),
    ("cache", "`true` gives an answer again to the same request, as long as the program runs"),
];

/// Reads the field `key` of `provider`. Answers whether it is one of these.
pub(super) fn read(
    resilience: &mut Resilience,
    (provider, key): (&str, &str),
    item: &Item,
) -> Result<bool, String> {
    let path = &format!("providers.{provider}.{key}");
    let at_least_one = || count(path, item);
    let time = || seconds(path, item).map(Some);
    match key {
        "retries" => resilience.retries = Some(retries(path, item)?),
        "requests_per_minute" => resilience.requests_per_minute = Some(at_least_one()?),
        "tokens_per_minute" => resilience.tokens_per_minute = Some(at_least_one()?),
        "input_tokens_per_minute" => resilience.input_tokens_per_minute = Some(at_least_one()?),
        "output_tokens_per_minute" => resilience.output_tokens_per_minute = Some(at_least_one()?),
        "concurrent_calls" => resilience.concurrent_calls = Some(small(path, at_least_one()?)?),
        "connect_timeout" => resilience.connect_timeout = time()?,
        "first_token_timeout" => resilience.first_token_timeout = time()?,
        "between_tokens_timeout" => resilience.between_tokens_timeout = time()?,
        "total_timeout" => resilience.total_timeout = time()?,
        "breaker_failures" => resilience.breaker_failures = Some(small(path, at_least_one()?)?),
        "breaker_cool_down" => resilience.breaker_cool_down = time()?,
        "fallbacks" => resilience.fallbacks = list(path, item)?,
        "cache" => {
            let yes = item.as_bool().ok_or_else(|| format!("`{path}` must be true or false"))?;
            resilience.cache = Some(yes);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The fields that are said, as `config show` tells them.
pub(crate) fn said(resilience: &Resilience) -> Vec<(&'static str, String)> {
    let number = |key, count: Option<NonZeroU64>| Some((key, count?.to_string()));
    let time = |key, time: Option<Duration>| Some((key, time?.as_secs_f64().to_string()));
    let Resilience { retries, concurrent_calls, breaker_failures, fallbacks, cache, .. } =
        resilience;
    let fallbacks = (!fallbacks.is_empty()).then(|| fallbacks.join(", "));
    [
        retries.map(|count| ("retries", count.to_string())),
        number("requests_per_minute", resilience.requests_per_minute),
        number("tokens_per_minute", resilience.tokens_per_minute),
        number("input_tokens_per_minute", resilience.input_tokens_per_minute),
        number("output_tokens_per_minute", resilience.output_tokens_per_minute),
        concurrent_calls.map(|count| ("concurrent_calls", count.to_string())),
        time("connect_timeout", resilience.connect_timeout),
        time("first_token_timeout", resilience.first_token_timeout),
        time("between_tokens_timeout", resilience.between_tokens_timeout),
        time("total_timeout", resilience.total_timeout),
        breaker_failures.map(|count| ("breaker_failures", count.to_string())),
        time("breaker_cool_down", resilience.breaker_cool_down),
        fallbacks.map(|names| ("fallbacks", names)),
        cache.map(|yes| ("cache", yes.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn retries(path: &str, item: &Item) -> Result<u32, String> {
    let count = item.as_integer().and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| format!("`{path}` must be a whole number, at least 0"))
}

pub(super) fn count(path: &str, item: &Item) -> Result<NonZeroU64, String> {
    let count = item.as_integer().and_then(|count| u64::try_from(count).ok());
    let count = count.and_then(NonZeroU64::new);
    count.ok_or_else(|| format!("`{path}` must be a whole number, at least 1"))
}

fn small<T: TryFrom<NonZeroU64>>(path: &str, count: NonZeroU64) -> Result<T, String> {
    T::try_from(count).map_err(|_too_large| format!("`{path}` is larger than can be counted"))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_field_is_read_and_told_again() {
        let fields = [
            ("retries", "0", "0"),
            ("requests_per_minute", "450", "450"),
            ("tokens_per_minute", "5", "5"),
            ("input_tokens_per_minute", "6", "6"),
            ("output_tokens_per_minute", "7", "7"),
            ("concurrent_calls", "4", "4"),
            ("connect_timeout", "3", "3"),
            ("first_token_timeout", "0.25", "0.25"),
            ("between_tokens_timeout", "30.0", "30"),
            ("total_timeout", "600", "600"),
            ("breaker_failures", "2", "2"),
            ("breaker_cool_down", "1.5", "1.5"),
            (
                "fallbacks",
                "['openai', 'groq:x', 'quick', 'lab:small']",
                "openai, groq:x, quick, lab:small",
            ),
            ("cache", "false", "false"),
        ];
        assert_eq!(fields.map(|field| field.0), CALLS.map(|field| field.0), "all are here");
        let lines: String = fields.map(|(key, value, _)| format!("{key} = {value}\n")).concat();
        let text = format!("[providers.lab]\n{lines}[aliases]\nquick = 'mistral:y'\n");
        let config = Config::parse(&text).unwrap();
        let told = said(&config.providers["lab"].resilience);
        assert_eq!(told, fields.map(|(key, _, told)| (key, told.to_owned())));
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        for (field, said) in [
            ("retries = -1", "`providers.lab.retries` must be a whole number, at least 0"),
            ("retries = 1.5", "`providers.lab.retries` must be a whole number"),
            (
                "requests_per_minute = 0",
                "`providers.lab.requests_per_minute` must be a whole number, at least 1",
            ),
            ("tokens_per_minute = '5'", "`providers.lab.tokens_per_minute` must be"),
            ("breaker_failures = 9999999999", "`providers.lab.breaker_failures` is larger than"),
            ("connect_timeout = 0", "`providers.lab.connect_timeout` must be seconds, more than 0"),
            ("total_timeout = 1e-30", "`providers.lab.total_timeout` must be seconds, more than 0"),
            ("total_timeout = '5s'", "`providers.lab.total_timeout` must be seconds"),
            ("fallbacks = 'openai'", "`providers.lab.fallbacks` must be a list of texts"),
            ("fallbacks = ['opnai']", "no provider `opnai`; did you mean `openai`?"),
            ("fallbacks = ['lab']", "`lab` cannot stand in for itself; `lab:MODEL` can"),
            ("fallbacks = ['openai:']", "`providers.lab.fallbacks`: `openai:`: "),
            ("cache = 1", "`providers.lab.cache` must be true or false"),
            ("retry = 1", "did you mean `retries`?"),
        ] {
            let error = Config::parse(&format!("[providers.lab]\n{field}\n")).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
