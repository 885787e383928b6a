//! Answers of Anthropic Messages.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::answer::Anthropic);
