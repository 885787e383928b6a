//! Tables of messages as Parquet.

use branchwork::table::Format;

use crate::{Target, table};

/// Files of Parquet.
pub struct Files;

impl Target for Files {
    fn seeds() -> Vec<Vec<u8>> {
        vec![table::written(Format::Parquet)]
    }

    fn check(data: &[u8]) {
        table::check_as(Format::Parquet, data);
    }
}
