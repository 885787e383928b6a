//! Which model is wished for.

use std::path::PathBuf;

use clap::Args;

use super::{CallArgs, Resilience};

/// What the command line says of the model.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Wish {
    /// The model: `provider:model`, a model of the session's provider, or an alias.
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The server to ask, by its URL.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Write what goes over the wire into this file, without keys; behind what is recorded in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// How it is asked, as far as the command says.
    #[arg(skip)]
    pub(crate) resilience: Resilience,
}

impl Wish {
    /// The same, asked as the options of the command say.
    pub(crate) fn with(self, calls: &CallArgs) -> Self {
        Self { resilience: calls.resilience.clone(), ..self }
    }
}
