//! Known servers.

use crate::{
    dialect::{CallIds, Dialect, ReasoningBack, SchemaSupport, SeedName, StreamUsage, TokenLimit},
    protocol::Protocol,
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
    /// How it is talked to.
    pub protocol: Protocol,
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
        let here = PRESETS.iter().filter(|preset| host_of(preset.base_url) == host_and_port);
        let mut dialects = here.filter_map(|preset| match preset.protocol {
            Protocol::Chat(dialect) => Some(dialect),
            _ => None,
        });
        dialects.next().unwrap_or_default()
    }
}

fn host_of(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}

const COMPLETION_TOKENS: Dialect =
    Dialect { token_limit: TokenLimit::MaxCompletionTokens, ..Dialect::COMMON };

const MISTRAL: Dialect = Dialect {
    stream_usage: StreamUsage::Unasked,
    seed: SeedName::RandomSeed,
    call_ids: CallIds::NineLettersOrDigits,
    ..Dialect::COMMON
};

const DEEPSEEK: Dialect = Dialect {
    reasoning: ReasoningBack::ReasoningContent,
    schema: SchemaSupport::Unsupported,
    ..Dialect::COMMON
};

const fn hosted(
    name: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    dialect: Dialect,
) -> Preset {
    let protocol = Protocol::Chat(dialect);
    Preset { name, base_url, key_variable, is_local: false, protocol }
}

const fn local(
    name: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    reasoning: ReasoningBack,
) -> Preset {
    let protocol = Protocol::Chat(Dialect { reasoning, ..Dialect::COMMON });
    Preset { name, base_url, key_variable, is_local: true, protocol }
}

#[rustfmt::skip] // One server a line.
static PRESETS: [Preset; 15] = [
    hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", COMPLETION_TOKENS),
    Preset { name: "anthropic", base_url: "https://api.anthropic.com", is_local: false,
        key_variable: "ANTHROPIC_API_KEY", protocol: Protocol::Anthropic },
    hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
        Dialect { reasoning: ReasoningBack::ReasoningDetails, ..Dialect::COMMON }),
    hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", COMPLETION_TOKENS),
    hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", MISTRAL),
    hosted("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", DEEPSEEK),
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY", COMPLETION_TOKENS),
    hosted("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", Dialect::COMMON),
    hosted("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
        Dialect { reasoning: ReasoningBack::ReasoningContent, ..Dialect::COMMON }),
    Preset { name: "gemini", base_url: "https://generativelanguage.googleapis.com/v1beta",
        key_variable: "GEMINI_API_KEY", is_local: false, protocol: Protocol::Gemini },
    local("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", ReasoningBack::Reasoning),
    local("llamacpp", "http://127.0.0.1:8080/v1", "LLAMA_API_KEY", ReasoningBack::ReasoningContent),
    local("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", ReasoningBack::Reasoning),
    Preset { name: "ollama-native", base_url: "http://127.0.0.1:11434",
        key_variable: "OLLAMA_API_KEY", is_local: true, protocol: Protocol::Ollama },
    local("lmstudio", "http://127.0.0.1:1234/v1", "LM_API_TOKEN", ReasoningBack::Never),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpOptions;

    #[test]
    fn the_common_dialect_is_the_default() {
        assert_eq!(Dialect::COMMON, Dialect::default());
    }

    #[test]
    fn every_preset_is_found_by_its_name_and_by_its_address() {
        for wanted in presets() {
            assert_eq!(preset(wanted.name), Some(wanted));
            let options = HttpOptions::from_preset(wanted).expect("presets have good addresses");
            if let Protocol::Chat(dialect) = wanted.protocol {
                assert_eq!(Dialect::at(host_of(wanted.base_url)), dialect, "{}", wanted.name);
            }
            assert_eq!(options.base_url(), wanted.base_url);
        }
        assert_eq!(preset("nobody"), None);
        assert_eq!(Dialect::at("example.com"), Dialect::default());
    }
}
