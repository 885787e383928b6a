//! Answers of OpenAI Responses.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::answer::Responses);
