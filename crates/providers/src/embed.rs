//! Embeddings over HTTP, in the two forms that servers have.

use std::borrow::Cow;

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use branchwork_core::{
    limits::RESPONSE_BYTES_MAX,
    provider::{EmbedRequest, Embedder, Embeddings, ProviderError, Usage},
};
use serde::{Deserialize, Serialize};

use crate::{loose::Count, provider::HttpProvider, telemetry::EmbedSpan};

/// How a server is asked for embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbedForm {
    /// `POST /embeddings` of `OpenAI`, which nearly every server has.
    OpenAi,
    /// `POST /api/embed` of Ollama.
    Ollama,
}

#[derive(Serialize)]
struct Wanted<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    /// A quarter of the bytes of decimal digits. Servers that do not know it send numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
}

impl EmbedForm {
    /// Where it is asked, below the base URL.
    const fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/embeddings",
            Self::Ollama => "/api/embed",
        }
    }

    fn body(self, request: &EmbedRequest) -> Result<String, String> {
        let EmbedRequest { model, inputs, dimensions, .. } = request;
        let encoding_format = match self {
            Self::OpenAi => Some("base64"),
            Self::Ollama => None,
        };
        let wanted = Wanted { model, input: inputs, dimensions: *dimensions, encoding_format };
        serde_json::to_string(&wanted).map_err(|error| error.to_string())
    }

    /// Reads the answer; an error says what is wrong with it.
    fn read(self, body: &[u8], inputs: usize) -> Result<Embeddings, String> {
        match self {
            Self::OpenAi => read_openai(body, inputs),
            Self::Ollama => read_ollama(body, inputs),
        }
    }
}

#[derive(Deserialize)]
struct OpenAiAnswer<'a> {
    #[serde(borrow)]
    data: Vec<Item<'a>>,
    model: Option<String>,
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct Item<'a> {
    index: Option<usize>,
    #[serde(borrow)]
    embedding: Vector<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(Vec<f32>),
    /// Little-endian 32-bit numbers.
    Base64(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Deserialize)]
struct OpenAiUsage {
    #[serde(default)]
    prompt_tokens: Count,
}

fn read_openai(body: &[u8], inputs: usize) -> Result<Embeddings, String> {
    let answer: OpenAiAnswer<'_> =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut items = answer.data;
    items.sort_by_key(|item| item.index);
    check_places(&items)?;
    let vectors: Result<Vec<_>, _> = items.into_iter().map(|item| item.embedding.read()).collect();
    let tokens = answer.usage.and_then(|usage| usage.prompt_tokens.0);
    Embeddings::new(vectors?, inputs, answer.model, tokens.map(read_tokens))
}

/// Checks that each vector, where one of them says whose it is, is that of another text.
fn check_places(items: &[Item<'_>]) -> Result<(), String> {
    let says_places = items.iter().any(|item| item.index.is_some());
    let misplaced = |(place, item): &(usize, &Item<'_>)| item.index != Some(*place);
    match items.iter().enumerate().find(misplaced) {
        Some((place, _)) if says_places => Err(format!(
            "the vectors are not numbered as the texts are, the first that is missing is that of text {place}"
        )),
        _ => Ok(()),
    }
}

impl Vector<'_> {
    fn read(self) -> Result<Vec<f32>, String> {
        let text = match self {
            Self::Numbers(numbers) => return Ok(numbers),
            Self::Base64(text) => text,
        };
        let bytes = BASE64_STANDARD.decode(text.as_bytes()).map_err(|error| error.to_string())?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err("a vector breaks off within a number".to_owned());
        }
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}

#[derive(Deserialize)]
struct OllamaAnswer {
    embeddings: Vec<Vec<f32>>,
    model: Option<String>,
    #[serde(default)]
    prompt_eval_count: Count,
}

fn read_ollama(body: &[u8], inputs: usize) -> Result<Embeddings, String> {
    let answer: OllamaAnswer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let usage = answer.prompt_eval_count.0.map(read_tokens);
    Embeddings::new(answer.embeddings, inputs, answer.model, usage)
}

fn read_tokens(tokens: u64) -> Usage {
    Usage { input_tokens: Some(tokens), ..Usage::default() }
}

#[async_trait]
impl Embedder for HttpProvider {
    async fn embed(&self, request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        let span = EmbedSpan::begin(self.base_url().as_str(), request);
        let made = span.within(self.embeddings(request)).await;
        span.end(&made);
        made
    }
}

impl HttpProvider {
    async fn embeddings(&self, request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        request.check()?;
        let form = self.protocol().embeddings().ok_or_else(|| {
            let problem = format!("the protocol `{}` has no embeddings", self.protocol());
            self.reporter().invalid(&problem)
        })?;
        let body = form.body(request).map_err(|problem| self.reporter().invalid(&problem))?;
        let answer = self.post(form.path(), body, RESPONSE_BYTES_MAX).await?;
        let read = form.read(&answer, request.inputs.len());
        let read = read.map_err(|problem| self.reporter().malformed(problem, &answer))?;
        Ok(self.mask().embeddings(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn what_is_asked_is_said_in_each_form() {
        let request = EmbedRequest::new("tiny", ["a", "b"]).with_dimensions(4);
        let openai =
            r#"{"model":"tiny","input":["a","b"],"dimensions":4,"encoding_format":"base64"}"#;
        assert_eq!(EmbedForm::OpenAi.body(&request).as_deref(), Ok(openai));
        let ollama = r#"{"model":"tiny","input":["a","b"],"dimensions":4}"#;
        assert_eq!(EmbedForm::Ollama.body(&request).as_deref(), Ok(ollama));
    }

    #[test]
    fn a_recorded_answer_becomes_a_vector_of_length_one() {
        let read = EmbedForm::OpenAi.read(&fixture("embeddings_base64.json"), 1);
        let read = read.expect("it is one");
        assert_eq!(read.vectors[0].len(), 1_536);
        let norm: f32 = read.vectors[0].iter().map(|number| number * number).sum();
        assert!((norm - 1.0).abs() < 1e-3, "{norm}");
        assert_eq!(read.usage.and_then(|usage| usage.input_tokens), Some(8));
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts_as_numbers_or_coded() {
        let coded = BASE64_STANDARD.encode([1.5_f32, -2.0].map(f32::to_le_bytes).concat());
        let body = format!(
            r#"{{"data":[{{"index":1,"embedding":[3,4e0]}},{{"index":0,"embedding":"{coded}"}}]}}"#
        );
        let read = EmbedForm::OpenAi.read(body.as_bytes(), 2).expect("good");
        assert_eq!(read.vectors, [[1.5, -2.0], [3.0, 4.0]]);
        let ollama = br#"{"model":"m","embeddings":[[1,2],[3,4]],"prompt_eval_count":5}"#;
        let read = EmbedForm::Ollama.read(ollama, 2).expect("good");
        assert_eq!((read.vectors.len(), read.model.as_deref()), (2, Some("m")));
        assert_eq!(read.usage, Some(read_tokens(5)));
    }

    #[test]
    fn each_vector_is_that_of_another_text() {
        let read = |places: [&str; 2]| {
            let item = |place: &str| format!(r#"{{{place}"embedding":[1,2]}}"#);
            let body = format!(r#"{{"data":[{}]}}"#, places.map(item).join(","));
            EmbedForm::OpenAi.read(body.as_bytes(), 2).map(|read| read.vectors.len())
        };
        let (zero, one, two) = (r#""index":0,"#, r#""index":1,"#, r#""index":2,"#);
        assert_eq!(read(["", ""]), Ok(2), "nobody says whose they are");
        assert_eq!(read([one, zero]), Ok(2));
        for (places, text) in
            [([zero, zero], 1), ([one, one], 0), ([zero, two], 1), (["", zero], 0)]
        {
            let problem = format!(
                "the vectors are not numbered as the texts are, the first that is missing is that of text {text}"
            );
            assert_eq!(read(places), Err(problem), "{places:?}");
        }
    }

    #[test]
    fn what_is_no_vector_is_refused() {
        for odd in [
            "{}",
            r#"{"data":[]}"#,
            r#"{"data":[{"index":0,"embedding":"AAAA"}]}"#,
            r#"{"data":[{"index":0,"embedding":"?"}]}"#,
            r#"{"data":[{"index":0,"embedding":[null]}]}"#,
        ] {
            assert!(EmbedForm::OpenAi.read(odd.as_bytes(), 1).is_err(), "{odd}");
        }
    }
}
