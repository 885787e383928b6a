//! Messages and model calls as tables: CSV, JSON, JSON Lines and, by feature, Parquet. Those of messages have the five columns
//! of LionAGI, so that its files load here and ours load there.
//!
//! - [`Row`] is a message as five texts; `content` says how each body is told.
//! - [`CallRow`] is a model call as a row.
//! - [`Format`] writes and reads rows; [`Destination`] is a file that must not exist yet.
//!
//! With the feature `parquet`, rows are also Arrow record batches (`record_batch`) and Parquet.
//!
//! The columns of messages are `node_id, timestamp, role, sender, content`, and no others: LionAGI
//! refuses more. What they cannot tell goes along in `content`, under the key `branchwork`.

mod branches;
mod calls;
mod column;
mod content;
mod destination;
mod format;
mod import;
#[cfg(feature = "parquet")]
mod parquet;
mod row;

pub use self::{
    calls::CallRow,
    column::{Column, Kind, Tabular},
    destination::{Destination, NewFile},
    format::{Format, TableError},
    import::{TableImported, TableOptions},
    row::Row,
};

#[cfg(feature = "parquet")]
#[doc(inline)]
pub use arrow_array;

#[cfg(feature = "parquet")]
pub use self::parquet::record_batch;
