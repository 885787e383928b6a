//! The environment: the one place that reads it, and the list of what is read.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::{env, ffi::OsString, path::PathBuf};

/// Every variable that branchwork reads of its own, and what it is for.
pub(crate) const VARIABLES: [(&str, &str); 23] = [
    ("BRANCHWORK_DB", "the file that holds the sessions"),
    ("BRANCHWORK_SESSION", "the session that commands work on when none is said"),
    ("BRANCHWORK_MODEL", "the model, as for `-m`"),
    ("BRANCHWORK_BASE_URL", "the server, as for `--base-url`"),
    ("BRANCHWORK_API_KEY", "the key for the server of `--base-url`"),
    ("BRANCHWORK_CONFIG_DIR", "the folder of the configuration file and of `keys.toml`"),
    ("BRANCHWORK_DATA_DIR", "the folder of the file of sessions"),
    ("BRANCHWORK_STATE_DIR", "the folder of the line editor's history"),
    (
        "BRANCHWORK_LOG",
        "what is told on standard error, by target: `debug`, or `branchwork=debug,branchwork_mcp=info`",
    ),
    ("RUST_LOG", "the same, when BRANCHWORK_LOG is not set"),
    (
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        "whether spans hold what was said: `true` or `false`",
    ),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "where spans and metrics are sent, when it is built with `otlp`",
    ),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "where spans are sent"),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "where metrics are sent"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "how long an answer to that may take, in milliseconds"),
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "must be `http/protobuf`, when it is set; so for `_TRACES_` and `_METRICS_`",
    ),
    ("OTEL_TRACES_EXPORTER", "`none` sends no spans"),
    ("OTEL_METRICS_EXPORTER", "`none` sends no metrics"),
    ("OTEL_SDK_DISABLED", "`true` sends nothing"),
    ("OPENAI_BASE_URL", "the server of the provider `openai`"),
    ("OLLAMA_HOST", "the server of the provider `ollama`"),
    ("NO_COLOR", "no colour, when not empty"),
    ("CLICOLOR_FORCE", "colour also where there is no terminal, when neither empty nor 0"),
];

/// The value of `name`, when it is set, not empty, and text.
pub(crate) fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of `name` as a path, when it is set and not empty.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The arguments of the process.
pub(crate) fn arguments() -> impl Iterator<Item = OsString> {
    env::args_os()
}
