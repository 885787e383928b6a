//! Known servers.

use crate::{
    azure::is_azure,
    dialect::{
        AfterResults, CacheKey, CallIds, Dialect, KeyHeader, ReasoningBack, SchemaSupport,
        SeedName, StreamUsage, TokenLimit,
    },
    protocol::Protocol,
};

/// A known server: where it is, which key it wants, how it talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// What users call it.
    pub name: &'static str,
    /// Where it is; empty when the address is the user's own.
    pub base_url: &'static str,
    /// The environment variable that holds its address by custom, when that is the user's own; else
    /// empty. Only the name: this crate reads none.
    pub base_url_variable: &'static str,
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

/// The known server at this base URL.
pub(crate) fn preset_at(base_url: &str) -> Option<&'static Preset> {
    let host = host_of(base_url);
    if is_azure(host) {
        return preset("azure");
    }
    PRESETS.iter().find(|preset| !preset.base_url.is_empty() && host_of(preset.base_url) == host)
}

impl Dialect {
    /// The dialect of the known server at this host and port; the common one for others.
    pub(crate) fn at(host_and_port: &str) -> Self {
        if is_azure(host_and_port) {
            return AZURE;
        }
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

const OPENAI: Dialect =
    Dialect { cache_key: CacheKey::Sent, call_ids: CallIds::FortyCharacters, ..COMPLETION_TOKENS };

const AZURE: Dialect = Dialect { key_header: KeyHeader::ApiKey, ..OPENAI };

const MISTRAL: Dialect = Dialect {
    stream_usage: StreamUsage::Unasked,
    seed: SeedName::RandomSeed,
    call_ids: CallIds::NineLettersOrDigits,
    after_results: AfterResults::Answer,
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
    known(name, base_url, key_variable, protocol)
}

const fn known(
    name: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    protocol: Protocol,
) -> Preset {
    Preset { name, base_url, base_url_variable: "", key_variable, is_local: false, protocol }
}

const fn azure(name: &'static str, protocol: Protocol) -> Preset {
    let preset = known(name, "", "AZURE_OPENAI_API_KEY", protocol);
    Preset { base_url_variable: "AZURE_OPENAI_ENDPOINT", ..preset }
}

const fn local(
    name: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    reasoning: ReasoningBack,
) -> Preset {
    let protocol = Protocol::Chat(Dialect { reasoning, ..Dialect::COMMON });
    Preset { is_local: true, ..known(name, base_url, key_variable, protocol) }
}

#[rustfmt::skip] // One server a line.
static PRESETS: [Preset; 18] = [
    hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", OPENAI),
    known("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", Protocol::Anthropic),
    known("openai-responses", "https://api.openai.com/v1", "OPENAI_API_KEY",
        Protocol::Responses(KeyHeader::Bearer)),
    azure("azure", Protocol::Chat(AZURE)),
    azure("azure-responses", Protocol::Responses(KeyHeader::ApiKey)),
    hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
        Dialect { reasoning: ReasoningBack::ReasoningDetails, call_ids: CallIds::FortyCharacters,
            ..Dialect::COMMON }),
    hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", COMPLETION_TOKENS),
    hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", MISTRAL),
    hosted("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", DEEPSEEK),
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY", COMPLETION_TOKENS),
    hosted("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", Dialect::COMMON),
    hosted("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
        Dialect { reasoning: ReasoningBack::ReasoningContent, ..Dialect::COMMON }),
    known("gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY",
        Protocol::Gemini),
    local("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", ReasoningBack::Reasoning),
    local("llamacpp", "http://127.0.0.1:8080/v1", "LLAMA_API_KEY", ReasoningBack::ReasoningContent),
    local("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", ReasoningBack::Reasoning),
    Preset { is_local: true, ..known("ollama-native", "http://127.0.0.1:11434", "OLLAMA_API_KEY",
        Protocol::Ollama) },
    local("lmstudio", "http://127.0.0.1:1234/v1", "LM_API_TOKEN", ReasoningBack::Never),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HttpOptions, InvalidBaseUrl};

    #[test]
    fn the_common_dialect_is_the_default() {
        assert_eq!(Dialect::COMMON, Dialect::default());
    }

    #[test]
    fn every_preset_is_found_by_its_name_and_by_its_address() {
        for wanted in presets() {
            assert_eq!(preset(wanted.name), Some(wanted));
            if !wanted.base_url_variable.is_empty() {
                assert_eq!(HttpOptions::from_preset(wanted).err(), Some(InvalidBaseUrl::Missing));
                continue;
            }
            let options = HttpOptions::from_preset(wanted).expect("presets have good addresses");
            if let Protocol::Chat(dialect) = wanted.protocol {
                assert_eq!(Dialect::at(host_of(wanted.base_url)), dialect, "{}", wanted.name);
            }
            assert_eq!(options.base_url(), wanted.base_url);
        }
        assert_eq!(preset_at("https://api.groq.com/").map(|found| found.name), Some("groq"));
        assert_eq!(
            preset_at("https://me.openai.azure.com/v1").map(|found| found.name),
            Some("azure")
        );
        assert_eq!(preset_at("https://example.com/v1"), None);
        assert_eq!(preset("nobody"), None);
        assert_eq!(Dialect::at("example.com"), Dialect::default());
    }

    #[test]
    fn azure_is_known_by_its_hosts_whatever_of_the_path_is_typed() {
        let (chat, responses) = (Protocol::Chat(AZURE), Protocol::Responses(KeyHeader::ApiKey));
        for host in
            ["me.openai.azure.com", "me.cognitiveservices.azure.com", "me.services.ai.azure.com"]
        {
            for rest in ["", "/", "/openai/", "/openai/v1/", "/openai/v1/responses"] {
                let (typed, expected) =
                    (format!("{host}{rest}"), format!("https://{host}/openai/v1"));
                let both = [HttpOptions::chat(&typed), HttpOptions::responses(&typed)];
                let [chatting, responding] = both.map(|options| options.expect("a good address"));
                assert_eq!((chatting.base_url(), chatting.protocol()), (&*expected, chat));
                assert_eq!((responding.base_url(), responding.protocol()), (&*expected, responses));
            }
        }
        for host in ["openai.azure.com", "me.openai.azure.com.example.com", "azure.com"] {
            let options = HttpOptions::responses(host).expect("a good address");
            assert_eq!(options.base_url(), format!("https://{host}/v1"));
            assert_eq!(options.protocol(), Protocol::Responses(KeyHeader::Bearer));
        }
    }
}
