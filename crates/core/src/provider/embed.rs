//! Embeddings: texts as vectors.

use std::fmt;

use async_trait::async_trait;

use super::{ProviderError, Usage};

/// Texts of one request for embeddings: `OpenAI` takes no more.
pub const EMBED_INPUTS_MAX: usize = 2_048;

/// Texts that shall become vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbedRequest {
    /// The model, in the provider's words.
    pub model: String,
    /// The texts.
    pub inputs: Vec<String>,
    /// How long the vectors shall be; the model's own length when it is not said.
    pub dimensions: Option<u32>,
}

impl EmbedRequest {
    /// Asks `model` for the vectors of `inputs`.
    pub fn new<T: Into<String>>(
        model: impl Into<String>,
        inputs: impl IntoIterator<Item = T>,
    ) -> Self {
        let inputs = inputs.into_iter().map(Into::into).collect();
        Self { model: model.into(), inputs, dimensions: None }
    }

    /// Says how long the vectors shall be.
    #[must_use]
    pub const fn with_dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Checks what every provider would refuse.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidRequest`] that says what is wrong.
    pub fn check(&self) -> Result<(), ProviderError> {
        let problem = match self {
            Self { model, .. } if model.trim().is_empty() => "no model is chosen".to_owned(),
            Self { inputs, .. } if inputs.is_empty() => "there is no text to embed".to_owned(),
            Self { inputs, .. } if inputs.len() > EMBED_INPUTS_MAX => {
                format!("there are {} texts, {EMBED_INPUTS_MAX} are allowed", inputs.len())
            }
            Self { inputs, .. } => match inputs.iter().position(String::is_empty) {
                Some(index) => format!("text {index} is empty"),
                None if self.dimensions == Some(0) => "a vector has at least 1 number".to_owned(),
                None => return Ok(()),
            },
        };
        Err(ProviderError::InvalidRequest { status: None, detail: problem })
    }
}

/// The vectors of a request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Embeddings {
    /// One for each text, in their order, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// The model that made them, as the server names it.
    pub model: Option<String>,
    /// Tokens that were read, when the provider counts them.
    pub usage: Option<Usage>,
}

impl Embeddings {
    /// The vectors that `model` made of `inputs` texts.
    ///
    /// # Errors
    ///
    /// What is wrong with them: their number, their lengths, or a number that is none.
    pub fn new(
        vectors: Vec<Vec<f32>>,
        inputs: usize,
        model: Option<String>,
        usage: Option<Usage>,
    ) -> Result<Self, String> {
        if vectors.len() != inputs {
            return Err(format!("there are {} vectors for {inputs} texts", vectors.len()));
        }
        let length = vectors.first().map_or(0, Vec::len);
        if length == 0 || vectors.iter().any(|vector| vector.len() != length) {
            return Err("the vectors are empty or of different lengths".to_owned());
        }
        if vectors.iter().flatten().any(|number| !number.is_finite()) {
            return Err("a vector holds what is no number".to_owned());
        }
        Ok(Self { vectors, model, usage })
    }
}

/// A service that makes vectors of texts. Object-safe; shared by `Arc`.
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync + 'static {
    /// Makes a vector of each text.
    ///
    /// # Errors
    ///
    /// As for [`EmbedRequest::check`]; what the server or the network said, by what the caller can do
    /// about it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    async fn embed(&self, request: &EmbedRequest) -> Result<Embeddings, ProviderError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_provider_refuses_is_refused_here() {
        let problem = |request: EmbedRequest| {
            request.check().err().map(|error| error.detail().to_owned()).unwrap_or_default()
        };
        assert_eq!(problem(EmbedRequest::new("m", ["a"])), "");
        assert_eq!(problem(EmbedRequest::new(" ", ["a"])), "no model is chosen");
        assert_eq!(problem(EmbedRequest::new("m", [""; 0])), "there is no text to embed");
        assert_eq!(problem(EmbedRequest::new("m", ["a", ""])), "text 1 is empty");
        let many = EmbedRequest::new("m", vec!["a"; EMBED_INPUTS_MAX + 1]);
        assert_eq!(problem(many), "there are 2049 texts, 2048 are allowed");
        let flat = EmbedRequest::new("m", ["a"]).with_dimensions(0);
        assert_eq!(problem(flat), "a vector has at least 1 number");
    }

    #[test]
    fn vectors_that_fit_no_texts_are_refused() {
        let new = |vectors: &[&[f32]], inputs| {
            let vectors = vectors.iter().map(|vector| vector.to_vec()).collect();
            Embeddings::new(vectors, inputs, None, None).map(|made| made.vectors.len())
        };
        assert_eq!(new(&[&[1.0, 2.0], &[0.0, -1.0]], 2), Ok(2));
        assert_eq!(new(&[&[1.0]], 2), Err("there are 1 vectors for 2 texts".to_owned()));
        for odd in [[&[1.0][..], &[1.0, 2.0]], [&[], &[]], [&[1.0], &[f32::NAN]]] {
            assert!(new(&odd, 2).is_err(), "{odd:?}");
        }
    }
}
