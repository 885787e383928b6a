//! Errors, and the exit code each has.

use std::{fmt, io, process::ExitCode};

use branchwork::{
    Error,
    archive::ArchiveError,
    budget::OverBudget,
    core::{
        causes::with_causes,
        graph::ApplyError,
        message::DraftError,
        provider::ProviderError,
        store::{Conflict, StoreError},
    },
    mail::PackageError,
    mcp::McpError,
    providers::InvalidBaseUrl,
    table::TableError,
};
use serde_json::json;

use crate::{commands::config_branch, output};

/// What an exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Failure,
    Usage,
    NotFound,
    Conflict,
    Provider,
    Limit,
    Damaged,
    Parked,
    Differs,
    Interrupted,
}

impl Code {
    /// Every code but success: number, name, what it tells.
    pub(crate) const TABLE: [(Self, u8, &'static str, &'static str); 10] = [
        (Self::Failure, 1, "failure", "anything else: a file cannot be written, the disk is full"),
        (Self::Usage, 2, "usage", "the command line or the input is wrong"),
        (Self::NotFound, 3, "not_found", "nothing is named so, or several things are"),
        (Self::Conflict, 4, "conflict", "a name is taken, or another process moved the branch"),
        (Self::Provider, 5, "provider", "the provider failed, or none is set up"),
        (Self::Limit, 6, "limit", "a limit is reached"),
        (Self::Damaged, 7, "damaged", "the store is damaged, foreign, or of a newer version"),
        (
            Self::Parked,
            8,
            "parked",
            "a turn waits: for approval of its calls, or for a larger budget",
        ),
        (Self::Differs, 9, "differs", "what is replayed is not as it was logged"),
        (Self::Interrupted, 130, "interrupted", "Ctrl-C; what had come of the answer is kept"),
    ];

    fn row(self) -> (u8, &'static str) {
        let row = Self::TABLE.iter().find(|row| row.0 == self);
        row.map_or((1, "failure"), |row| (row.1, row.2))
    }

    /// The number that the process ends with.
    pub(crate) fn exit(self) -> ExitCode {
        self.row().0.into()
    }
}

/// Why a command failed: one line for a person, perhaps one that helps, and a code.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    hint: Option<String>,
    /// The reader of our output went away: nothing is to be said.
    quiet: bool,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, quiet: false }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(crate) const fn is_silent(&self) -> bool {
        self.quiet
    }

    pub(crate) const fn has_hint(&self) -> bool {
        self.hint.is_some()
    }

    /// Ends without a word.
    pub(crate) fn silent(code: Code) -> Self {
        Self { quiet: true, ..Self::new(code, "") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Says on standard error why a command failed, and answers the exit code.
pub(crate) fn report(failure: &Failure, json: bool) -> ExitCode {
    if !failure.quiet {
        let Failure { code, message, hint, .. } = failure;
        if json {
            let error = json!({ "code": code.row().1, "message": message, "hint": hint });
            output::complain(&json!({ "error": error }).to_string());
        } else {
            output::complain(&format!("error: {}", output::one_line(message)));
            for line in hint.iter().flat_map(|hint| hint.lines()) {
                output::complain(&format!("hint: {line}"));
            }
        }
    }
    failure.code.exit()
}

/// Says what is wrong with the command line; prints help and version where they were asked for.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help and version: a closed pipe is no failure.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let json = crate::env::arguments().any(|argument| argument == "--json");
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("the command line cannot be understood");
    let missing: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("Usage:")).collect();
    let message = first.trim_start_matches("error: ");
    let message = std::iter::once(message).chain(missing).collect::<Vec<_>>().join(" ");
    let failure = Failure::usage(message).with_hint("`branchwork help` shows what there is");
    report(&failure, json)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = with_causes(&error);
        match error {
            Error::Store(error) => store_failure(&error, message),
            Error::Conflict(Conflict::MailMoved { .. }) => Self::new(Code::Conflict, message)
                .with_hint("`branchwork mail show` says what became of it"),
            Error::Conflict(_) | Error::MovedMeanwhile { .. } | Error::MovedSince { .. } => {
                Self::new(Code::Conflict, message)
            }
            Error::CannotFastForward { .. } => Self::new(Code::Conflict, message)
                .with_hint("`--mode append` brings what is new as copies"),
            Error::TooMuchToMerge { .. } => Self::new(Code::Limit, message)
                .with_hint("`--mode summary` tells of it, `branchwork cherry-pick` brings a part"),
            Error::Provider(error) => provider_failure(&error, message),
            Error::NoModel | Error::NoProvider { .. } | Error::EmptyAnswer => {
                Self::new(Code::Provider, message)
            }
            Error::NotFound { nearest, .. } => {
                let failure = Self::new(Code::NotFound, message);
                match nearest {
                    Some(nearest) => failure.with_hint(format!("did you mean `{nearest}`?")),
                    None => failure,
                }
            }
            Error::ReplayDiffers { .. } => Self::new(Code::Differs, message)
                .with_hint("`--drift` goes on, and tells all that differs"),
            Error::Parked { calls } if calls.is_empty() => {
                Self::new(Code::Parked, message).with_hint("`branchwork resume` goes on")
            }
            Error::Parked { .. } => Self::new(Code::Parked, message).with_hint(
                "`branchwork approvals` lists, approves and denies them; then `branchwork resume`",
            ),
            Error::OverBudget { problem, is_parked, .. } => {
                over_budget(problem, is_parked, message)
            }
            Error::TooLong { .. }
            | Error::OutOfTime { .. }
            | Error::Draft(DraftError::TooLong { .. } | DraftError::MetadataTooLong { .. }) => {
                Self::new(Code::Limit, message)
            }
            Error::Setting(error) => {
                Self::new(Code::Usage, message).with_hint(config_branch::hint(&error))
            }
            Error::Archive(ArchiveError::Io { source, .. })
            | Error::Table(TableError::Io { source, .. })
                if source.kind() == io::ErrorKind::BrokenPipe =>
            {
                Self::silent(Code::Failure)
            }
            Error::Archive(ArchiveError::Io { .. }) | Error::Table(TableError::Io { .. }) => {
                Self::new(Code::Failure, message)
            }
            Error::Archive(ArchiveError::Line { .. }) | Error::Table(TableError::Row { .. }) => {
                Self::new(Code::Usage, message).with_hint("--skip-bad leaves it out, and says so")
            }
            Error::Ambiguous { candidates, .. } => Self::new(Code::NotFound, message)
                .with_hint(format!("it could be {}", candidates.join(", "))),
            Error::Mail(PackageError::TooLong { .. } | PackageError::TooMany { .. }) => {
                Self::new(Code::Limit, message).with_hint("send it in several mails")
            }
            Error::NoRecipient => Self::new(Code::NotFound, message)
                .with_hint("`branchwork fork` makes another branch"),
            Error::NotInHistory { .. } | Error::Change(ApplyError::UnknownMessage { .. }) => {
                Self::new(Code::NotFound, message)
            }
            _ => Self::new(Code::Usage, message),
        }
    }
}

fn over_budget(problem: OverBudget, is_parked: bool, message: String) -> Failure {
    let price =
        "say it in the configuration file: `[prices.\"provider:model\"]`, or give --budget-tokens";
    let more = "`branchwork resume` goes on with a larger --budget-tokens, --budget-usd";
    let failure = Failure::new(if is_parked { Code::Parked } else { Code::Limit }, message);
    match problem {
        OverBudget::PriceUnknown => failure.with_hint(price),
        _ if is_parked => failure.with_hint(more),
        _ => failure,
    }
}

fn store_failure(error: &StoreError, message: String) -> Failure {
    let code = match error {
        StoreError::NotFound { .. } => Code::NotFound,
        StoreError::Corrupt { .. } | StoreError::CannotOpen { .. } | StoreError::TooNew { .. } => {
            Code::Damaged
        }
        _ => Code::Failure,
    };
    let failure = Failure::new(code, message);
    match error {
        StoreError::TooNew { .. } => failure.with_hint("use a newer branchwork with this file"),
        StoreError::Full { .. } => failure.with_hint("make room and try again; nothing was lost"),
        StoreError::Corrupt { .. } => failure.with_hint("`branchwork db verify` says more"),
        _ => failure,
    }
}

fn provider_failure(error: &ProviderError, message: String) -> Failure {
    let detail = error.detail();
    let message = if detail.is_empty() || message.contains(detail) {
        message
    } else {
        format!("{message}: {detail}")
    };
    let failure = Failure::new(Code::Provider, message);
    match (error, error.retry_after()) {
        (_, Some(wait)) => {
            failure.with_hint(format!("the server asks to wait {} s", wait.as_secs_f64().ceil()))
        }
        (ProviderError::Auth { .. }, None) => failure.with_hint("check the key of the provider"),
        _ => failure,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<InvalidBaseUrl> for Failure {
    fn from(error: InvalidBaseUrl) -> Self {
        Self::usage(with_causes(&error))
    }
}

impl From<McpError> for Failure {
    fn from(error: McpError) -> Self {
        let message = with_causes(&error);
        match error {
            McpError::BadServer { .. } => {
                Self::usage(message).with_hint("correct `[mcp-servers]` in the configuration file")
            }
            McpError::NotStarted { .. } => Self::new(Code::Failure, message)
                .with_hint("install the program, or correct `command` in the configuration file"),
            _ => Self::new(Code::Failure, message)
                .with_hint("`branchwork mcp-servers list` says which servers can be reached"),
        }
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Error::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            // `branchwork … | head`: the reader has what it wants.
            return Self::silent(Code::Failure);
        }
        Self::new(Code::Failure, error.to_string())
    }
}
