//! Keys in answers.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::mask::Answers);
