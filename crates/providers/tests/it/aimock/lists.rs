//! Texts as vectors, and lists of models.

use branchwork_core::provider::{EmbedRequest, Embedder as _, Provider as _, ProviderError};
use branchwork_providers::Protocol;

use super::asker;

fn named(name: &str) -> Protocol {
    Protocol::from_name(name).expect("it is a protocol")
}

#[tokio::test]
async fn texts_become_vectors_in_the_form_of_openai() {
    for protocol in ["chat", "responses"] {
        let asker = asker(named(protocol), "vectors");
        let wanted = EmbedRequest::new("tiny", ["Rome", "a day in Rome"]).with_dimensions(3);
        let made = asker.embed(&wanted).await.expect("they are made");
        assert_eq!(made.vectors, [[0.5, -0.25, 1.0], [0.5, -0.25, 1.0]], "{protocol}");
        assert_eq!(made.model.as_deref(), Some("tiny"), "{protocol}");
    }
}

/// The peer has one vector under another name at the place where Ollama has a list of them.
#[tokio::test]
async fn an_answer_of_another_form_is_no_vector() {
    let asker = asker(named("ollama"), "vectors");
    let refused = asker.embed(&EmbedRequest::new("tiny", ["Rome"])).await;
    let refused = refused.expect_err("it is no list");
    let is_malformed = matches!(&refused, ProviderError::Malformed { .. });
    assert!(is_malformed && refused.detail().contains("embeddings"), "{refused:?}");
}

#[tokio::test]
async fn models_are_listed_where_the_peer_has_a_list() {
    for protocol in ["chat", "responses", "anthropic", "ollama"] {
        let models = asker(named(protocol), "models").models().await.expect("they are listed");
        assert!(models.iter().any(|model| model.id == "gpt-4o"), "{protocol}: {models:?}");
    }
    let none = asker(named("gemini"), "models").models().await.expect_err("it has none");
    assert!(matches!(none, ProviderError::InvalidRequest { status: Some(404), .. }), "{none:?}");
}
