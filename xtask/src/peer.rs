//! Peers of another make, which speak the protocols and can be told how to answer.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};

use crate::{
    node::{self, Locked},
    python,
    server::Launch,
};

/// A peer of another make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// `llmock` from the Python registry: faults inside the stream, and a verdict on its client.
    Llmock,
    /// `@copilotkit/aimock` from the npm registry: five protocols, with the answers of a file.
    Aimock,
}

/// How a peer shall behave from the start.
#[derive(Debug, Args)]
pub(crate) struct PeerArgs {
    /// Requests a minute that llmock lets a key make; as many as come when not said.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rpm: Option<u32>,
    /// The file with the answers of aimock.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

impl Peer {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Llmock => "llmock",
            Self::Aimock => "aimock",
        }
    }

    /// How it is started.
    pub(crate) fn launch(self, arguments: &PeerArgs) -> Result<Launch> {
        match self {
            Self::Llmock => {
                ensure!(arguments.answers.is_none(), "--answers is for aimock");
                llmock(arguments.rpm)
            }
            Self::Aimock => {
                ensure!(arguments.rpm.is_none(), "--rpm is for llmock");
                aimock(arguments.answers.as_deref().context("--answers FILE is needed")?)
            }
        }
    }
}

fn llmock(rpm: Option<u32>) -> Result<Launch> {
    let program = python::environment(&["llmock==0.2.2"])?.with_file_name("llmock");
    let arguments = ["serve", "-p", Launch::PORT, "--log-level", "warning"].map(str::to_owned);
    let mut arguments = Vec::from(arguments);
    arguments.extend(rpm.map(|rpm| format!("--rpm={rpm}")));
    Ok(Launch { program, arguments, health: "/health" })
}

/// It refuses what it has no answer for, and a file that it cannot make sense of.
fn aimock(answers: &Path) -> Result<Launch> {
    let node = node::environment(&Locked {
        name: "aimock-1.43.0",
        package: include_str!("aimock/package.json"),
        lock: include_str!("aimock/package-lock.json"),
    })?;
    let script = node.modules.join("@copilotkit/aimock/dist/cli.js").display().to_string();
    let answers = answers.display().to_string();
    let arguments = [&script, "-p", Launch::PORT, "-f", &answers, "--strict", "--validate-on-load"];
    let arguments =
        arguments.map(str::to_owned).into_iter().chain(["--log-level", "warn"].map(str::to_owned));
    Ok(Launch { program: node.program, arguments: arguments.collect(), health: "/health" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_does_not_know_is_refused() {
        let refused = |peer: Peer, rpm: Option<u32>, answers: Option<&str>| {
            let arguments = PeerArgs { rpm, answers: answers.map(PathBuf::from) };
            peer.launch(&arguments).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(refused(Peer::Llmock, None, Some("a.json")), "--answers is for aimock");
        assert_eq!(refused(Peer::Aimock, Some(60), Some("a.json")), "--rpm is for llmock");
        assert_eq!(refused(Peer::Aimock, None, None), "--answers FILE is needed");
    }
}
