//! Archives of sessions.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::archive::Archives);
