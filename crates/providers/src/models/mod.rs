//! What is known of models without asking anybody: what they read and write, what they can do, what they
//! cost.
//!
//! The table is a file, `models.tsv`, that `cargo xtask models` makes of public packages; it says of which.
//! What is not known is `None`: a model that is not in the table has no price, and neither has one whose
//! sources do not agree on it. See `docs/reference/models.md`.
//!
//! ```
//! use branchwork_core::{clock::Timestamp, provider::PriceBook};
//! use branchwork_providers::models::{self, Ability};
//!
//! let model = models::find("openai", "gpt-4o-2024-08-06").expect("a model of the table");
//! assert_eq!((model.context_tokens, model.can(Ability::Tools)), (Some(128_000), Some(true)));
//!
//! // For an engine: what calls cost.
//! let book = PriceBook::new().with_table(models::prices);
//! let now = Timestamp::from_micros(1_795_651_199_000_000);
//! let tariff = book.find("openai", "gpt-4o").and_then(|list| list.at(now)).expect("a price");
//! assert_eq!(tariff.base().input, 2_500_000); // $2.50 for a million tokens
//! assert!(book.find("openai", "gpt-unheard-of").is_none());
//! ```

mod ability;
mod line;
mod table;

pub use self::{
    ability::Ability,
    table::{Model, find, of_provider, prices, table},
};
