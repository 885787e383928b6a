//! Azure `OpenAI`: servers whose address is the user's own, and what they want otherwise.
//!
//! They speak the protocols of `OpenAI` below `/openai/v1`, without dated versions of the API; the model is
//! the name of a deployment, and the key goes in the header `api-key`
//! (<https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>).

/// The ends of the hosts of resources, of every kind that serves models.
const HOSTS: [&str; 3] =
    [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];

/// What the path of a base URL is when none is given, and the endings that do not belong to it.
pub(crate) const PATHS: (&str, &[&str]) =
    ("/openai/v1", &["/chat/completions", "/responses", "/openai"]);

/// Whether the host is that of a resource of Azure.
pub(crate) fn is_azure(host: &str) -> bool {
    HOSTS.iter().any(|end| host.len() > end.len() && host.ends_with(end))
}
