//! Answers of Ollama.
#![no_main]

branchwork_fuzz::program!(branchwork_fuzz::answer::Ollama);
