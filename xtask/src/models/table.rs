//! The table, written.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

use super::{genai::Genai, litellm::Litellm, provider::PROVIDERS, row::rows};
use crate::{cache, output, program, python, source::Source};

/// Where it is.
const PATH: &str = "crates/providers/src/models/models.tsv";

/// The day on which these versions were the newest: what the table is as of.
const AS_OF: &str = "2026-11-27";

const LITELLM: Source = Source {
    file: "litellm-1.110.2.json",
    wheels: &["litellm==1.110.2"],
    ending: "litellm/model_prices_and_context_window_backup.json",
    sha256: "8943af58bf9f979c6a4bef815687117ffa341e462a41faed9be17b5c33d3dcc2",
    megabytes: 42,
};

const GENAI: Source = Source {
    file: "genai-prices-0.2.3.py",
    wheels: &["genai-prices==0.2.3"],
    ending: "genai_prices/data.py",
    sha256: "5f4d8e175a91cf23cac17da33a4daa60a6a6c49525109c97e93db220d5197206",
    megabytes: 1,
};

/// Fetches what is missing and writes the table anew. Says which models have no price as their sources do
/// not agree.
pub(crate) fn write() -> Result<()> {
    let python = python::environment(&[])?;
    let json = fs::read(LITELLM.fetch(&python)?).context("reading litellm")?;
    let literals = literals(&python, &GENAI.fetch(&python)?)?;
    let (litellm, genai) = (Litellm::read(&json)?, Genai::read(&literals)?);
    let mut text = head();
    for provider in &PROVIDERS {
        let (rows, disputed) = rows(provider, (&litellm, &genai), AS_OF);
        ensure!(!rows.is_empty(), "no source knows a model of {}", provider.name);
        for row in rows {
            text += &format!("{row}\n");
        }
        for model in disputed {
            output::note(&format!("no agreed price: {model}"));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PATH);
    cache::write(&path, &text)?;
    output::data(PATH);
    Ok(())
}

/// The list of providers in a file of Python, as JSON.
fn literals(python: &Path, file: &Path) -> Result<Vec<u8>> {
    let mut command = Command::new(python);
    command.args(["-c", include_str!("literals.py")]).arg(file).arg("providers");
    program::output(&mut command)
}

/// What stands before the models: what it is, and where it comes from.
fn head() -> String {
    let source = |source: &Source, tells: &str, owner: &str| {
        let (package, ending, sha256) = (source.wheels.concat(), source.ending, source.sha256);
        format!("# source\t{package}\t{tells}\tMIT, {owner}\t{ending}\tsha256 {sha256}\n")
    };
    let litellm = "models, limits, abilities, prices";
    format!(
        "# What models read and write, in tokens, what they can do, and what they cost, in US dollars for a\n\
         # million tokens. Written by `cargo xtask models`; docs/reference/models.md says what it means.\n\
         # as of\t{AS_OF}\n{}{}\
         # provider\tmodel\tcontext\toutput\tabilities\tprices\n",
        source(&LITELLM, litellm, "Copyright (c) 2023 Berri AI"),
        source(&GENAI, "prices, dates", "Copyright (c) Pydantic Services Inc. 2025 to present"),
    )
}
