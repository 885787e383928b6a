//! How much a model thinks, in the words its generation takes.
//!
//! | `reasoning_effort` | Claude 4.6 and later | before it, and models of others |
//! |---|---|---|
//! | not said | as the model does by itself | not at all |
//! | `none` | `thinking.type: "disabled"` | the same |
//! | `minimal`, `low`, `medium`, `high`, `xhigh`, `max` | `"adaptive"`, and that `effort`; `minimal` is `low` | `"enabled"` with a budget, see [`BUDGETS`] |
//! | a number | up to 4.6: `"enabled"` with that budget; refused since | `"enabled"` with that budget |
//!
//! Which models take what: [adaptive thinking](https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking)
//! and [extended thinking](https://platform.claude.com/docs/en/build-with-claude/extended-thinking). The extra
//! parameter `thinking` takes the place of what is made here.

use branchwork_core::config::Config;
use serde::Serialize;

use crate::anthropic::model::{binds_thoughts, is_adaptive, takes_budget};

/// Tokens of an answer when nothing is said; the API wants a number. Thoughts count too.
///
/// What models of that generation can write at least is twice as much.
pub(super) const MAX_TOKENS_DEFAULT: u32 = 64_000;

/// The same for models before Claude 4.6 and models of others, some of which write no more. Thoughts
/// come on top.
pub(super) const MAX_TOKENS_DEFAULT_BEFORE: u32 = 8_192;

/// The fewest tokens that a model can be given to think with.
const BUDGET_MIN: u32 = 1_024;

/// Tokens to think with where no effort can be said.
const BUDGETS: [(&str, u32); 6] = [
    ("minimal", BUDGET_MIN),
    ("low", 2_048),
    ("medium", 8_192),
    ("high", 16_384),
    ("xhigh", 32_768),
    ("max", 32_768),
];

/// How much is thought, and how long the answer may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Thinking<'a> {
    /// `None` leaves it to the model.
    pub(super) mode: Option<Mode>,
    pub(super) effort: Option<&'a str>,
    /// The budget lies within.
    pub(super) max_tokens: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Mode {
    Disabled,
    Enabled {
        budget_tokens: u32,
    },
    Adaptive {
        /// Models since 4.7 hide their thoughts unless they are asked for a summary.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        block_binding: Option<Binding>,
    },
}

/// What becomes of thoughts that do not fit to what comes before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Binding {
    prefix_mismatch_behavior: &'static str,
}

/// A conversation that was edited, merged or given other tools goes on without them, instead of being
/// refused for ever.
const DROP: Binding = Binding { prefix_mismatch_behavior: "drop_block" };

impl Mode {
    /// Whether the model is told to think.
    pub(super) const fn is_on(self) -> bool {
        matches!(self, Self::Enabled { .. } | Self::Adaptive { display: Some(_), .. })
    }
}

impl<'a> Thinking<'a> {
    /// What `config` says of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a clause.
    pub(super) fn of(config: &'a Config) -> Result<Self, String> {
        let model = config.model.as_deref().unwrap_or_default();
        let default = default_max_tokens(model);
        let plain =
            |mode, effort| Self { mode, effort, max_tokens: config.max_tokens.unwrap_or(default) };
        let adaptive = |display| {
            let block_binding = binds_thoughts(model).then_some(DROP);
            Mode::Adaptive { display, block_binding }
        };
        let Some(effort) = config.reasoning_effort.as_deref().map(str::trim) else {
            return Ok(plain(binds_thoughts(model).then(|| adaptive(None)), None));
        };
        if effort == "none" {
            return Ok(plain(Some(Mode::Disabled), None));
        }
        if let Ok(budget) = effort.parse() {
            return Self::with_budget(config, budget, Fit::Exact);
        }
        let (word, budget) =
            BUDGETS.into_iter().find(|(word, _)| *word == effort).ok_or_else(|| {
                format!(
                    "`reasoning_effort` is `{effort}`, and this protocol takes none, minimal, low, \
                 medium, high, xhigh, max or a number of tokens"
                )
            })?;
        if is_adaptive(model) {
            let word = if word == "minimal" { "low" } else { word };
            return Ok(plain(Some(adaptive(Some("summarized"))), Some(word)));
        }
        Self::with_budget(config, budget, Fit::Cut)
    }

    fn with_budget(config: &Config, budget: u32, fit: Fit) -> Result<Self, String> {
        let model = config.model.as_deref().unwrap_or_default();
        if !takes_budget(model) {
            return Err(format!(
                "`reasoning_effort` is a number of tokens, and `{model}` takes a word: low, medium, \
                 high, xhigh or max"
            ));
        }
        if budget < BUDGET_MIN {
            return Err(format!(
                "`reasoning_effort` is {budget} tokens, and a model thinks with {BUDGET_MIN} at least"
            ));
        }
        let Some(most) = config.max_tokens else {
            let max_tokens = budget.saturating_add(default_max_tokens(model));
            return Ok(Self::enabled(budget, max_tokens));
        };
        let budget = match fit {
            Fit::Cut if budget >= most => (most / 2).max(BUDGET_MIN),
            Fit::Cut | Fit::Exact => budget,
        };
        if budget >= most {
            return Err(format!(
                "`max_tokens` is {most} and must be above the {budget} tokens to think with"
            ));
        }
        Ok(Self::enabled(budget, most))
    }

    const fn enabled(budget_tokens: u32, max_tokens: u32) -> Self {
        Self { mode: Some(Mode::Enabled { budget_tokens }), effort: None, max_tokens }
    }
}

/// Whether a budget may be cut to fit into the answer.
#[derive(Clone, Copy)]
enum Fit {
    /// It stands for a word.
    Cut,
    /// It was said.
    Exact,
}

fn default_max_tokens(model: &str) -> u32 {
    if is_adaptive(model) { MAX_TOKENS_DEFAULT } else { MAX_TOKENS_DEFAULT_BEFORE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(model: &str, effort: Option<&str>, max_tokens: Option<u32>) -> Config {
        let mut config = Config::default();
        config.model = Some(model.to_owned());
        config.reasoning_effort = effort.map(str::to_owned);
        config.max_tokens = max_tokens;
        config
    }

    /// Checks what is sent: `thinking`, `effort`, `max_tokens`.
    fn check(model: &str, effort: Option<&str>, max_tokens: Option<u32>, expected: &str) {
        let config = config(model, effort, max_tokens);
        let shown = match Thinking::of(&config) {
            Ok(Thinking { mode, effort, max_tokens }) => {
                let mode = serde_json::to_string(&mode).expect("JSON");
                format!("{mode} {} {max_tokens}", effort.unwrap_or("-"))
            }
            Err(problem) => problem,
        };
        assert_eq!(shown, expected, "{config:?}");
    }

    #[test]
    fn models_before_4_6_and_of_others_are_given_tokens_to_think_with() {
        for model in ["claude-sonnet-4-5", "claude-3-7-sonnet-20250219", "glm-4.6"] {
            check(model, None, None, "null - 8192");
            check(model, None, Some(9), "null - 9");
            check(model, Some("none"), None, r#"{"type":"disabled"} - 8192"#);
            check(model, Some("low"), None, r#"{"type":"enabled","budget_tokens":2048} - 10240"#);
            check(model, Some("max"), None, r#"{"type":"enabled","budget_tokens":32768} - 40960"#);
            check(
                model,
                Some(" 3000 "),
                None,
                r#"{"type":"enabled","budget_tokens":3000} - 11192"#,
            );
            check(
                model,
                Some("high"),
                Some(20_000),
                r#"{"type":"enabled","budget_tokens":16384} - 20000"#,
            );
        }
    }

    #[test]
    fn a_budget_and_a_limit_of_tokens_are_made_to_fit_or_refused() {
        let model = "claude-sonnet-4-5";
        check(
            model,
            Some("high"),
            Some(8_000),
            r#"{"type":"enabled","budget_tokens":4000} - 8000"#,
        );
        check(model, Some("low"), Some(1_100), r#"{"type":"enabled","budget_tokens":1024} - 1100"#);
        let refused = "`max_tokens` is 1000 and must be above the 1024 tokens to think with";
        check(model, Some("low"), Some(1_000), refused);
        let refused = "`max_tokens` is 3000 and must be above the 3000 tokens to think with";
        check(model, Some("3000"), Some(3_000), refused);
        let refused = "`reasoning_effort` is 5 tokens, and a model thinks with 1024 at least";
        check(model, Some("5"), None, refused);
    }

    #[test]
    fn models_since_4_6_are_told_an_effort() {
        let adaptive = r#"{"type":"adaptive","display":"summarized"}"#;
        check("claude-opus-4-8", None, None, "null - 64000");
        check("claude-opus-4-8", Some("high"), None, &format!("{adaptive} high 64000"));
        check("claude-opus-5", Some("minimal"), Some(7), &format!("{adaptive} low 7"));
        let enabled = r#"{"type":"enabled","budget_tokens":2000} - 66000"#;
        check("claude-opus-4-6", Some("2000"), None, enabled);
        let refused = "`reasoning_effort` is a number of tokens, and `claude-opus-4-7` takes a word: \
                       low, medium, high, xhigh or max";
        check("claude-opus-4-7", Some("2000"), None, refused);
        let refused = "`reasoning_effort` is `lots`, and this protocol takes none, minimal, low, \
                       medium, high, xhigh, max or a number of tokens";
        check("claude-opus-4-7", Some("lots"), None, refused);
    }

    #[test]
    fn thoughts_that_no_longer_fit_are_dropped_where_models_check_them() {
        let binding = r#""block_binding":{"prefix_mismatch_behavior":"drop_block"}"#;
        let model = "claude-fable-5-1";
        check(model, None, None, &format!(r#"{{"type":"adaptive",{binding}}} - 64000"#));
        let told = format!(r#"{{"type":"adaptive","display":"summarized",{binding}}} low 64000"#);
        check(model, Some("low"), None, &told);
        check(model, Some("none"), None, r#"{"type":"disabled"} - 64000"#);
    }
}
