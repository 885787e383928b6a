//! Tables of messages.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::table::Tables);
