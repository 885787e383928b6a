//! Rendering a request: anew, and after one more message.

use std::{hint::black_box, sync::Arc};

use branchwork::{
    core::{
        clock::Timestamp,
        config::Config,
        graph::{Extent, StepWriter, View},
        message::{Body, Draft, Message},
        provider::{ModelRequest, Provider as _, RequestBody},
    },
    providers::{HttpOptions, HttpProvider},
};
use branchwork_benches::text;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// So many messages, by turns of the user and of the model.
fn messages(count: usize) -> Vec<Arc<Message>> {
    let ids = branchwork::RandomIds::default();
    let mut step = StepWriter::after(View::default(), None, &ids, Timestamp::default());
    let bodies = (0..count).map(|number| {
        let text = text::kibibyte(number as u64);
        if number % 2 == 0 { Body::instruction(text) } else { Body::response(text) }
    });
    step.messages(bodies.map(Draft::new)).expect("they are good");
    let (_, view) = step.finish(Extent::Whole);
    view.messages().map(Arc::clone).collect()
}

fn request(messages: &[Arc<Message>]) -> ModelRequest {
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    ModelRequest::new(messages.to_vec(), config)
}

fn provider() -> HttpProvider {
    let options = HttpOptions::chat("localhost:8080").expect("an address");
    HttpProvider::new(options).expect("a client can be made")
}

fn render(provider: &HttpProvider, request: &ModelRequest) -> RequestBody {
    provider.render(request).expect("it renders").body
}

fn hash(provider: &HttpProvider, request: &ModelRequest) -> [u8; 32] {
    render(provider, request).sha256()
}

fn rendering(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rendering");
    for count in [10, 100, 1_000, 10_000] {
        let all = messages(count + 2);
        let before = request(all.get(..count).expect("there are two more"));
        let after = request(&all);
        let anew = BenchmarkId::new("anew", count);
        group.bench_with_input(anew, &after, |bencher, after| {
            bencher.iter_batched_ref(provider, |ours| render(ours, after), BatchSize::LargeInput);
        });
        let more = BenchmarkId::new("one turn more", count);
        group.bench_with_input(more, &after, |bencher, after| {
            let begun = || {
                let provider = provider();
                black_box(hash(&provider, &before));
                provider
            };
            bencher.iter_batched_ref(begun, |ours| render(ours, after), BatchSize::LargeInput);
        });
        let hashed = BenchmarkId::new("one turn more, hashed", count);
        group.bench_with_input(hashed, &after, |bencher, after| {
            let begun = || {
                let provider = provider();
                black_box(hash(&provider, &before));
                provider
            };
            bencher.iter_batched_ref(begun, |ours| hash(ours, after), BatchSize::LargeInput);
        });
        let body = provider().render(&after).expect("it renders").body;
        group.bench_with_input(BenchmarkId::new("copy", count), &body, |bencher, body| {
            bencher.iter(|| black_box(body.to_string()));
        });
    }
    group.finish();
}

criterion_group!(benches, rendering);
criterion_main!(benches);
