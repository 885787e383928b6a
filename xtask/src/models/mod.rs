//! The table of models: what they read and write, what they can do, what they cost.
//!
//! | module | holds |
//! |---|---|
//! | `genai` | the prices of the package `genai-prices`, with when they began to hold |
//! | `litellm` | the limits, abilities and prices of the package `litellm` |
//! | `price` | prices, and how they are written in the table |
//! | `provider` | the providers whose models are in it |
//! | `row` | a model, and what its sources say together |
//! | `table` | the table, written |

mod genai;
mod litellm;
mod price;
mod provider;
mod row;
mod table;

pub(crate) use self::table::write;
