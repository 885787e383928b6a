//! The providers whose models are in the table.

/// A provider, in our words and in those of the sources.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provider {
    /// What users of branchwork call it.
    pub(super) name: &'static str,
    pub(super) litellm: &'static str,
    pub(super) genai: &'static str,
    /// Whether a name is one by which the provider is asked for a model: sources have names of their own
    /// beside those, for classes of models and for regions.
    pub(super) serves: fn(&str) -> bool,
}

/// All of them, by name.
#[rustfmt::skip] // One provider a line.
pub(super) const PROVIDERS: [Provider; 11] = [
    provider("anthropic", "anthropic", "anthropic", |_| true),
    provider("azure", "azure", "azure", |name| !name.contains('/')),
    provider("deepseek", "deepseek", "deepseek", |_| true),
    provider("fireworks", "fireworks_ai", "fireworks", |name| name.starts_with("accounts/")),
    provider("gemini", "gemini", "google", |name| !name.starts_with("claude")),
    provider("groq", "groq", "groq", |_| true),
    provider("mistral", "mistral", "mistral", |_| true),
    provider("openai", "openai", "openai", |name| !name.starts_with("ft:") && !name.contains('/')),
    provider("openrouter", "openrouter", "openrouter", |name| name.contains('/')),
    provider("together", "together_ai", "together", |name| name.contains('/')),
    provider("xai", "xai", "x-ai", |_| true),
];

const fn provider(
    name: &'static str,
    litellm: &'static str,
    genai: &'static str,
    serves: fn(&str) -> bool,
) -> Provider {
    Provider { name, litellm, genai, serves }
}
