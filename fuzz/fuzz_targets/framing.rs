//! Streams cut into events and lines.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::framing::Streams);
