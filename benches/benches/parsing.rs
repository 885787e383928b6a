//! Reading a long stream, beside splitting it into lines and parsing each with `serde_json`.
//!
//! `typed` parses into the few fields that a bare client looks at, `values` into JSON values. The bytes come in
//! pieces as a network gives them.

use branchwork::{
    core::{config::Config, provider::ModelRequest},
    providers::{Parser, Protocol},
};
use branchwork_benches::bare::Answer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Chunks of the stream.
const CHUNKS: usize = 10_000;

/// Bytes that one read of a socket gives.
const READ_BYTES: usize = 16 * 1024;

/// A stream as `OpenAI` sends it.
fn chat() -> String {
    let head = r#"data: {"id":"chatcmpl-CnMM0oFYQitzT43PYAvCrmNt6GIKs","object":"chat.completion.chunk","created":1766023992,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_8bbc38b4db","choices":[{"index":0,"delta":{"content":""#;
    let tail =
        r#""},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"QC1vfLEMN"}"#;
    let mut stream = String::new();
    for number in 0..CHUNKS {
        stream += &format!("{head} word{number}{tail}\n\n");
    }
    let end = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    stream + end + "\n\ndata: [DONE]\n\n"
}

/// What the whole of `stream` says.
fn parse(protocol: Protocol, request: &ModelRequest, stream: &[u8]) -> usize {
    let mut parser = Parser::new(protocol, request);
    let mut events = 0;
    for read in stream.chunks(READ_BYTES) {
        parser.push(read).expect("the stream is good");
        events += parser.by_ref().count();
    }
    parser.finish().expect("the stream is whole");
    events + parser.count()
}

/// Splits lines and parses each as a JSON value.
fn values(stream: &[u8]) -> usize {
    let (mut rest, mut fields) = (Vec::new(), 0);
    for read in stream.chunks(READ_BYTES) {
        rest.extend_from_slice(read);
        let last = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let tail = rest.split_off(last);
        let lines = std::mem::replace(&mut rest, tail);
        let data =
            lines.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: "));
        for data in data.filter(|data| *data != b"[DONE]") {
            let value: serde_json::Value = serde_json::from_slice(data).expect("it is JSON");
            fields += value.as_object().map_or(0, serde_json::Map::len);
        }
    }
    fields
}

fn typed(stream: &[u8]) -> usize {
    let mut answer = Answer::default();
    stream.chunks(READ_BYTES).for_each(|read| answer.push(read));
    answer.text.len()
}

fn parsing(criterion: &mut Criterion) {
    let request = ModelRequest::new(Vec::new(), Config::default());
    let stream = chat();
    let mut group = criterion.benchmark_group("parsing");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    let chat = Protocol::from_name("chat").expect("a protocol");
    group.bench_function("chat", |bencher| {
        bencher.iter(|| parse(chat, &request, stream.as_bytes()));
    });
    group.bench_function("chat/typed", |bencher| bencher.iter(|| typed(stream.as_bytes())));
    group.bench_function("chat/values", |bencher| bencher.iter(|| values(stream.as_bytes())));
    group.finish();
}

criterion_group!(benches, parsing);
criterion_main!(benches);
