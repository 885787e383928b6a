//! Answers without end.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::endless::Endless);
