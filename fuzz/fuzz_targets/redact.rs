//! Keys in texts.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::redact::Texts);
