//! The stored form.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::codec::Stored);
