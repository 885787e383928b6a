//! What calls cost: prices, when they hold, and of which models they are known.
//!
//! | type | says |
//! |---|---|
//! | [`Prices`] | what each kind of token costs |
//! | [`Tariff`] | the prices of one time: those of ordinary requests, and those of long ones |
//! | [`PriceList`] | the tariffs of a model, by when they began to hold |
//! | [`PriceBook`] | the lists of models |
//!
//! Money is counted in whole numbers: a price is in millionths of a US dollar for a million tokens, so a
//! cost is in trillionths of one. What is not known is `None`, never 0.

mod book;
mod list;
mod prices;
mod tariff;
mod usd;

pub use self::{
    book::{PriceBook, PriceTable, undated},
    list::PriceList,
    prices::Prices,
    tariff::Tariff,
    usd::{PICO_PER_MICRO, add_usd, micro_usd, pico_usd, shown_micro_usd, shown_usd, usd},
};
