//! Money, for people and for programs.

use branchwork::core::provider::{Prices, Tariff, shown_micro_usd};
use serde_json::{Value, json};

/// What tokens cost, on one line: `$2.5 in, $1.25 cached, $10 out`.
pub(crate) fn prices_line(prices: &Prices) -> String {
    let Prices { input, cached, cache_write, output, .. } = prices;
    let kinds = [
        (Some(*input), "in"),
        (*cached, "cached"),
        (*cache_write, "cache write"),
        (Some(*output), "out"),
    ];
    let known = kinds.into_iter().filter_map(|(micro, kind)| Some((micro?, kind)));
    let shown: Vec<_> =
        known.map(|(micro, kind)| format!("${} {kind}", shown_micro_usd(micro))).collect();
    shown.join(", ")
}

/// The prices of ordinary and of long requests, on one line.
pub(crate) fn tariff_line(tariff: &Tariff) -> String {
    let above = tariff
        .above()
        .map(|(tokens, prices)| format!("; above {tokens} tokens {}", prices_line(prices)));
    prices_line(tariff.base()) + &above.collect::<String>()
}

/// The same for programs: dollars for a million tokens.
pub(crate) fn tariff_value(tariff: &Tariff) -> Value {
    let above: Vec<_> = tariff
        .above()
        .map(|(tokens, prices)| {
            let mut value = prices_value(prices);
            super::set(&mut value, "tokens", tokens);
            value
        })
        .collect();
    let mut value = prices_value(tariff.base());
    super::set(&mut value, "above", above);
    value
}

fn prices_value(prices: &Prices) -> Value {
    let Prices { input, cached, cache_write, output, .. } = prices;
    json!({
        "input": dollars(*input),
        "cached": cached.map(dollars),
        "cache_write": cache_write.map(dollars),
        "output": dollars(*output),
    })
}

/// The number that is written so.
fn dollars(micro_usd: u64) -> Option<f64> {
    shown_micro_usd(micro_usd).parse().ok()
}
