//! The SQLite store: sessions in one file, for one machine.
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | `open` | [`SqliteOptions`], and what is checked before a file is touched |
//! | `probe` | what a path holds, found out without changing it |
//! | `connection` | connections and their settings |
//! | `schema` | the migrations |
//! | `key` | the packed keys by which ops and moves are found |
//! | `store` | [`SqliteStore`]: the contract, handed on to the threads |
//! | `writer` | the thread that owns the only write connection, and commits |
//! | `reader` | the threads that read |
//! | `query` | what they read |
//! | `search` | finding messages by their text, and the index for it |
//! | `verify`, `gc`, `backup` | looking after a file |
//! | `error` | failures of the database, named by what a caller can do |

mod backup;
mod connection;
mod error;
mod gc;
mod key;
mod open;
mod probe;
mod query;
mod reader;
mod schema;
mod search;
mod store;
mod verify;
mod writer;

pub use self::{connection::SQLITE_VERSION_MIN, open::SqliteOptions, store::SqliteStore};
