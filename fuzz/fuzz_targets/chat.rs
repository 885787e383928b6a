//! Answers of OpenAI Chat Completions.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::answer::Chat);
