//! Messages as tables: CSV, JSON and JSON Lines with the five columns of LionAGI, so that its files
//! load here and ours load there.
//!
//! - [`Row`] is a message as five texts; `content` says how each body is told.
//! - [`Format`] writes and reads rows; [`Destination`] is a file that must not exist yet.
//!
//! The columns are `node_id, timestamp, role, sender, content`, and no others: LionAGI refuses more.
//! What they cannot tell goes along in `content`, under the key `branchwork`.

mod content;
mod destination;
mod format;
mod import;
mod row;

pub use self::{
    destination::{Destination, NewFile},
    format::{Format, TableError},
    import::{TableImported, TableOptions},
    row::Row,
};
