//! Known servers.

use super::{
    CallIds, Dialect, ReasoningBack, SchemaSupport, SeedName, StreamUsage, SystemRole, TokenLimit,
};

/// A known server: where it is, which key it wants, how it talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// What users call it.
    pub name: &'static str,
    /// Where it is.
    pub base_url: &'static str,
    /// The environment variable that holds its key by custom. Only the name: this crate reads none.
    pub key_variable: &'static str,
    /// Whether it answers without a key, as servers on one's own machine do.
    pub is_local: bool,
    /// How it talks.
    pub dialect: Dialect,
}

/// Every known server, in the order in which they are shown.
pub const fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The known server of that name.
///
/// ```
/// let ollama = branchwork_providers::preset("ollama").expect("a preset");
/// assert_eq!(ollama.base_url, "http://127.0.0.1:11434/v1");
/// ```
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Dialect {
    /// The dialect of the known server at this host and port; the common one for others.
    pub(crate) fn at(host_and_port: &str) -> Self {
        let is_here = |preset: &&Preset| host_of(preset.base_url) == host_and_port;
        PRESETS.iter().find(is_here).map_or_else(Self::default, |preset| preset.dialect)
    }
}

fn host_of(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}

const COMMON: Dialect = Dialect {
    token_limit: TokenLimit::MaxTokens,
    stream_usage: StreamUsage::Asked,
    reasoning: ReasoningBack::Never,
    system_role: SystemRole::System,
    seed: SeedName::Seed,
    call_ids: CallIds::Any,
    schema: SchemaSupport::JsonSchema,
};

const COMPLETION_TOKENS: Dialect =
    Dialect { token_limit: TokenLimit::MaxCompletionTokens, ..COMMON };

const MISTRAL: Dialect = Dialect {
    stream_usage: StreamUsage::Unasked,
    seed: SeedName::RandomSeed,
    call_ids: CallIds::NineLettersOrDigits,
    ..COMMON
};

const DEEPSEEK: Dialect = Dialect {
    reasoning: ReasoningBack::ReasoningContent,
    schema: SchemaSupport::Unsupported,
    ..COMMON
};

const fn hosted(
    name: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    dialect: Dialect,
) -> Preset {
    Preset { name, base_url, key_variable, is_local: false, dialect }
}

const fn local(
    name: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    reasoning: ReasoningBack,
) -> Preset {
    let dialect = Dialect { reasoning, ..COMMON };
    Preset { name, base_url, key_variable, is_local: true, dialect }
}

#[rustfmt::skip] // One server a line.
static PRESETS: [Preset; 12] = [
    hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", COMPLETION_TOKENS),
    hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
        Dialect { reasoning: ReasoningBack::ReasoningDetails, ..COMMON }),
    hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", COMPLETION_TOKENS),
    hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", MISTRAL),
    hosted("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", DEEPSEEK),
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY", COMPLETION_TOKENS),
    hosted("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", COMMON),
    hosted("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
        Dialect { reasoning: ReasoningBack::ReasoningContent, ..COMMON }),
    local("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", ReasoningBack::Reasoning),
    local("llamacpp", "http://127.0.0.1:8080/v1", "LLAMA_API_KEY", ReasoningBack::ReasoningContent),
    local("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", ReasoningBack::Reasoning),
    local("lmstudio", "http://127.0.0.1:1234/v1", "LM_API_TOKEN", ReasoningBack::Never),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenAiOptions;

    #[test]
    fn the_common_dialect_is_the_default() {
        assert_eq!(COMMON, Dialect::default());
    }

    #[test]
    fn every_preset_is_found_by_its_name_and_by_its_address() {
        for wanted in presets() {
            assert_eq!(preset(wanted.name), Some(wanted));
            assert_eq!(Dialect::at(host_of(wanted.base_url)), wanted.dialect, "{}", wanted.name);
            let options = OpenAiOptions::new(wanted.base_url).expect("presets have good addresses");
            assert_eq!(options.base_url(), wanted.base_url);
        }
        assert_eq!(preset("nobody"), None);
        assert_eq!(Dialect::at("example.com"), Dialect::default());
    }
}
