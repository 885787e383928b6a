//! What the conventions call a provider.

/// What stands for a provider without a name.
const OTHER: &str = "_OTHER";

/// The name that the conventions have for the provider that is registered as `name`. A URL is no name: the
/// address of the server is told elsewhere, and what else it holds may be secret.
pub fn provider_name(name: Option<&str>) -> &str {
    match name.unwrap_or_default() {
        "" => OTHER,
        url if url.contains("://") => OTHER,
        "azure" | "azure-openai" | "azure-responses" => "azure.ai.openai",
        "bedrock" => "aws.bedrock",
        "gemini" | "google" => "gcp.gemini",
        "vertex" => "gcp.vertex_ai",
        "ollama-native" => "ollama",
        "openai-responses" => "openai",
        "mistral" => "mistral_ai",
        "moonshot" => "moonshot_ai",
        "watsonx" => "ibm.watsonx.ai",
        "xai" => "x_ai",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::provider_name;

    #[test]
    fn known_providers_have_the_names_of_the_conventions() {
        for (registered, name) in [
            (Some("openai"), "openai"),
            (Some("gemini"), "gcp.gemini"),
            (Some("mistral"), "mistral_ai"),
            (Some("openai-responses"), "openai"),
            (Some("azure-responses"), "azure.ai.openai"),
            (Some("mine"), "mine"),
            (Some("https://key@host/v1"), "_OTHER"),
            (Some(""), "_OTHER"),
            (None, "_OTHER"),
        ] {
            assert_eq!(provider_name(registered), name);
        }
    }
}
