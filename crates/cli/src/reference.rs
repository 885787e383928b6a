//! The text of `docs/reference/cli.md`, made from the definitions of the commands.

use branchwork::providers::presets;
use clap::{Command, CommandFactory as _};

use crate::{
    args::Cli,
    config::{BUDGET, BY_HAND, CALLS, SETTINGS},
    env::VARIABLES,
    exit::{Code, Failure},
    output,
};

/// What `--json` prints, by command.
const SHAPES: &[(&str, &str)] = &[
    (
        "a prompt",
        "`session`, `branch`, `message`, `head`, `text`, `status`, `finish`, `model`, `usage: {input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens}`; what is not known is `null`",
    ),
    (
        "a prompt with `--stream-json`",
        "a line an event: `event` is `started`, `text`, `reasoning`, `retried` (`retries`, `wait_s`, `problem`: what came of the answer before it does not count), `call_started`, `call_arguments`, `called` (`calls`, as in `log`), `call_completed` (`id`, `function`, `result`), `usage`, then `completed` (as above), `interrupted` or `error`; each with `session` and `branch`",
    ),
    (
        "`fan-out`, a prompt with `-n`",
        "`session`, `branch`, `items: [{branch, instruction, context, model, sample, message, text, finish, usage, error}]`",
    ),
    ("`react`", "as a prompt, of the last turn"),
    ("`resume`", "as a prompt"),
    (
        "`replay`",
        "`session`, `branch`, `turns`, `calls`, `messages` (how many), `copied: [{message, why}]`, `drifts: [{kind, message, text}]`; `kind` is `asked` (then with `differences: [{text}]`, and where there are any `setting`, `before`, `after`, `added`, `removed`, `changed`, `index`, `place`, `logged`, `asked`, `known`), `said` (with `place`), `unasked`, `unlogged`, `unsaid`, `added`, `refused`; `place` is what differs, or of a text `{byte, logged, now}`",
    ),
    ("`approvals list`", "`waiting: [{place, call, function, arguments}]`"),
    ("`approvals show`", "`call`, `function`, `arguments`, `asked`, `said`"),
    ("`approvals approve`, `deny`", "`approved` or `denied`, and what still is `waiting`: calls"),
    (
        "`events`",
        "a line an event: `event`, `seq`, `at`, and what belongs to it: `message`, `text`, `index`, `id`, `function`, `result`, `usage`, `calls`, `op`, `cause`, `head`",
    ),
    (
        "`mail send`",
        "`mail: {id, from, to, category, state, at}`, where `to` are names; also `expires`, `reply_to` where there are any",
    ),
    (
        "`mail inbox`, `dead-letters`",
        "`mails: [{id, from, to, category, state, at}]`; also `expires`, `reply_to`, `reason`, `receipt` where there are any",
    ),
    ("`mail refuse`, `readdress`", "`mail`, as in `mail inbox`"),
    ("`mail expire`", "`expired`, as `mails` in `mail inbox`"),
    (
        "`mail receive`",
        "`taken: [{id, from, category, receipt, messages}]`, `left: [{id, from, category, reason}]`, `head`; `reason` is `not_accepted`, `expired`, `failed`, or where a mail that was named is instead of the inbox; then also `problem`",
    ),
    (
        "`mail show`",
        "`mail: {id, from, category, at, contents, deliveries: [{to, state, since}]}`; also `expires`, `reply_to`, and of a delivery `delivered`, `reason`, `receipt: {op, at, messages, seen_in}` where there are any",
    ),
    (
        "`mail sync`",
        "`sent`, as `mails` in `mail inbox`; with `--receive` also `received: [{branch, taken, left, head}]`, as in `mail receive`, or `{branch, problem}`",
    ),
    ("`compact`", "`summary`, `folded` (how many messages)"),
    ("`uncompact`", "`summary`, `messages` (how many stand again)"),
    (
        "a prompt with `--dry-run`",
        "`url`, `body`, `adapted` (rules by which the request says otherwise than the history, and how often each did)",
    ),
    ("`append`", "`session`, `branch`, `message`, `head`; with `--jsonl` also `appended`"),
    ("`edit`, `remove`", "`session`, `branch`, `message`, `head`"),
    ("`fork`, `branch create`, `branch switch`, `branch rename`", "`session`, `branch`, `head`"),
    ("`rewind`, `undo`, `redo`, `restore`", "`session`, `branch`, `head`, `messages` (how many)"),
    (
        "`log`",
        "`session`, `branch`, `head`, `messages: [{id, kind, role, sender, content, at, status}]`; also `recipient`, `metadata`, `edited`, `calls`, `call`, `function` where there are any",
    ),
    ("`reflog`", "`session`, `branch`, `head`, `entries: [{revision, cause, from, to, at}]`"),
    (
        "`branch list`, `tree`",
        "`session`, `branches: [{name, id, head, messages, default, forked_from, created}]`",
    ),
    (
        "`sessions list`, `ls`",
        "`sessions: [{id, name, branches, messages, created, updated, archived}]`",
    ),
    ("`sessions show`", "the session, with `branches` as in `branch list`"),
    ("`sessions rename`, `archive`, `unarchive`", "the session, as in `sessions list`"),
    ("`search`, `sessions search`", "`hits: [{session, branch, message, role, at, snippet}]`"),
    ("`export` to a file", "`session`, `file`; of all branches `files` in place of `file`"),
    (
        "`import`",
        "`sessions: [{id, name}]`, `branches` and `messages` that were not there, `skipped: [{line, problem}]`",
    ),
    (
        "`models`",
        "`models: [{id, provider, owner, context_tokens, output_tokens, abilities: {tools, …}, prices: {input, cached, cache_write, output, above: [{tokens, …}]}}]`; prices are US dollars for a million tokens, those `above` hold for requests that read more than `tokens`; what is not known is `null`",
    ),
    ("`mcp-servers list`", "`servers: [{name, transport, tools, problem}]`"),
    (
        "`keys list`",
        "`keys: [{provider, place, at, used, problem}]`, `strangers` (how many keys `keys.toml` has of providers that are not known); `place` is `environment`, `key_file`, `keys_file` or `keyring`, `at` the variable or the file",
    ),
    ("`keys set`, `delete`", "`set` or `deleted` (the provider), `place`, `at`"),
    ("`config show`", "`settings: [{key, value, origin}]`"),
    (
        "`config-branch get`, `set`, `unset`",
        "`session`, `branch`, `head`, `key`, `value`; `get` without a key: `config`",
    ),
    (
        "`config-session get`, `set`, `unset`",
        "`session`, `key`, `value`; `get` without a key: `config`",
    ),
    (
        "`info`",
        "`session`, `branch`, `default`, `messages`, `by_role`, `by_kind`, `by_sender`, `tools`, `config`, `usage: {own, inherited}` with the fields of `usage`",
    ),
    (
        "`usage --savings`",
        "`rows: [{key, calls, input_tokens, cached_tokens, cache_write_tokens, saved_usd, unknown_prices}]`",
    ),
    (
        "`usage`",
        "`rows: [{key, calls, succeeded, failed, interrupted, retries, input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, unknown_tokens, cost_usd, unknown_cost}]`",
    ),
    (
        "`doctor`",
        "`ok`, `checks: [{check, ok, found, key}]`; `key` is `{place, at}` as in `keys list`, or `null`",
    ),
    ("`sessions delete`", "`deleted`"),
    ("`branch delete`", "`session`, `deleted`"),
    ("`config get`, `set`", "`key`, `value`"),
    ("`config path`, `keys path`, `db backup`", "`path`"),
    ("`db verify`", "`ok`, `ops`, `problems`"),
    ("`db stats`", "`sessions`, `branches`, `ops`, `blobs`, `bytes`"),
    ("`db gc`", "`sessions`, `branches`, `ops`, `blobs`: how many were taken away"),
    ("a failure", "on standard error: `error: {code, message, hint}`"),
];

/// Where keys come from.
const KEYS: &str = "\n## Keys\n\n\
    The key of a provider is looked for in these places; the first one that has one counts.\n\n\
    1. The environment: the variable that `providers.NAME.key_env` names, else the one below.\n\
    2. The file that `providers.NAME.key_file` names. It holds the key and nothing else.\n\
    3. `keys.toml` beside the configuration file, with a line `PROVIDER = \"KEY\"` for each. `branchwork keys set`\n   \
       writes it, and leaves its comments.\n\
    4. The keyring of the Linux kernel, in a program that was built with `--features keyring`. It is in memory: a key is\n   \
       gone when the machine starts anew.\n\n\
    A file that others than its owner may read or write is not used. The server of `--base-url` gets the key of\n\
    `BRANCHWORK_API_KEY`, else that of the provider which the same command names with `-m`, else none.\n\n\
    A key is shown by no command, and is in no store, export, log and error. When a server repeats it in what it\n\
    answers, it is taken out, if it has 20 letters or more; shorter ones are words, such as `none`, that are given to\n\
    servers which want no key.\n\n\
    | provider | variable |\n|---|---|\n";

/// The level of the heading of `branchwork` itself.
const ROOT_LEVEL: usize = 3;

/// Prints the reference.
pub(crate) fn print() -> Result<(), Failure> {
    Ok(output::piece(&text())?)
}

/// The whole text.
fn text() -> String {
    let mut text = String::from(
        "# The command line\n\nMade by `branchwork __reference` from the definitions of the commands; a test compares it.\n\n\
         Data goes to standard output, everything else to standard error. Sessions, branches and messages are\n\
         named by name, by identifier, or by a prefix of one that fits one thing only. `session@branch` names a\n\
         branch, `session@branch~3` the message three before its last one; with BRANCHWORK_SESSION set\n\
         `branch~3` will do. `restore` also takes `@-`, the head before the last move.\n",
    );
    text += "\n## Exit codes\n\n| code | name | tells |\n|---|---|---|\n| 0 | ok | done |\n";
    for (_, number, name, tells) in Code::TABLE {
        text += &format!("| {number} | {name} | {tells} |\n");
    }
    text += "\n## What `--json` prints\n\nOne object on one line. Identifiers are strings; times are RFC 3339 in UTC.\n\n| command | fields |\n|---|---|\n";
    for (command, fields) in SHAPES {
        text += &format!("| {command} | {} |\n", fields.replace('|', "\\|"));
    }
    text += "\n## Environment\n\nVariables that hold keys are told under Keys. Beside those:\n\n| variable | is |\n|---|---|\n";
    for (name, is) in VARIABLES {
        text += &format!("| `{name}` | {is} |\n");
    }
    text += "\n## Configuration file\n\n`config.toml` in `$BRANCHWORK_CONFIG_DIR`, else `$XDG_CONFIG_HOME/branchwork`, else `~/.config/branchwork`.\nAn option comes before the environment, the environment before the file.\n\n| setting | is |\n|---|---|\n";
    for (name, is) in SETTINGS.iter().chain(&BY_HAND) {
        text += &format!("| `{name}` | {is} |\n");
    }
    for (name, is) in CALLS {
        text += &format!("| `providers.NAME.{name}` | {is} |\n");
    }
    for (name, is) in BUDGET {
        text += &format!("| `budget.{name}` | {is} |\n");
    }
    text += KEYS;
    for preset in presets() {
        text += &format!("| `{}` | `{}` |\n", preset.name, preset.key_variable);
    }
    text += "\n## Commands\n\nEach takes `--db`, `--json`, `--color`, `--quiet` and `--verbose` too, as below `branchwork`.\n";
    let mut root = Cli::command().term_width(100);
    root.build();
    describe(&mut text, &mut root, ROOT_LEVEL);
    text
}

/// The help of `command` and of those below it.
fn describe(text: &mut String, command: &mut Command, level: usize) {
    if level > ROOT_LEVEL {
        // Options of every command are told once.
        *command = std::mem::take(command).mut_args(|arg| {
            let is_told = arg.is_global_set() || arg.get_id() == "help";
            let hide = is_told || arg.is_hide_set();
            arg.hide(hide)
        });
    }
    let name = command.get_bin_name().unwrap_or("branchwork").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    let marks = "#".repeat(level.min(4));
    *text += &format!("\n{marks} `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for command in command.get_subcommands_mut() {
        if !command.is_hide_set() && command.get_name() != "help" {
            describe(text, command, level + 1);
        }
    }
}
