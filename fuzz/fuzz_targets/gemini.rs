//! Answers of Gemini.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::answer::Gemini);
