//! Tables of messages as Parquet.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::parquet::Files);
