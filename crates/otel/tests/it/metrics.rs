//! Metrics, as a collector gets them.

use std::sync::Arc;

use branchwork::{
    core::{
        provider::{Finish, ProviderError, ProviderEvent, Usage},
        tool::ToolSelection,
    },
    telemetry::names::METRICS,
    tools::{FunctionTool, ToolSpec},
};
use branchwork_testkit::{Script, ScriptedProvider};
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, metric::Data};
use serde_json::{Value, json};

use crate::collector::{Collector, Exporting, attribute, engine};

fn points(metric: &Metric) -> Vec<HistogramDataPoint> {
    match metric.data.as_ref().unwrap() {
        Data::Histogram(histogram) => histogram.data_points.clone(),
        other => panic!("{other:?}"),
    }
}

/// The points by what of `name` they have, with how much they count and add up to.
fn by(metric: &Metric, name: &str) -> Value {
    let point = |point: HistogramDataPoint| {
        let key = match attribute(&point.attributes, name) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        (key, json!([point.count, point.sum]))
    };
    Value::Object(points(metric).into_iter().map(point).collect())
}

/// A call with a tool in a flow, whose answer comes in pieces, and one that is refused.
async fn work(collector: &Collector) {
    let exporting = Exporting::to(&collector.options());
    let engine = engine(exporting.telemetry());
    let usage = |input, output| {
        let (input_tokens, output_tokens) = (Some(input), Some(output));
        ProviderEvent::Usage(Usage { input_tokens, output_tokens, ..Usage::default() })
    };
    let streamed = Script::new()
        .with_start()
        .with_text("Ro")
        .with_text("me")
        .with_text(".")
        .with_event(usage(700, 50))
        .with_event(ProviderEvent::Finished(Finish::Stop));
    let detail = String::new();
    let refused = ProviderError::RateLimited { retry_after: None, detail };
    let provider = ScriptedProvider::new()
        .with_script(Script::calls([("c1", "look", "{}")]))
        .with_script(streamed)
        .with_script(Script::refusal(refused));
    engine.register("local", Arc::new(provider));
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    let spec = ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    let look = FunctionTool::dynamic(spec, |_, _| std::future::ready(Ok(json!(1))));
    session.register(look).unwrap();
    let main = session.default_branch();
    let flow = main.flow("plan");
    flow.chat("ask", main.chat("q").with_tools(ToolSelection::All)).await.unwrap();
    drop(flow);
    main.chat("q").await.unwrap_err();
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();
}

#[tokio::test]
async fn every_metric_is_a_histogram_with_its_bounds() {
    let collector = Collector::start();
    work(&collector).await;
    let metrics = collector.metrics();
    let names: Vec<&str> = metrics.keys().map(String::as_str).collect();
    let mut expected: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    expected.retain(|name| !name.starts_with("mcp."));
    expected.sort_unstable();
    assert_eq!(names, expected);
    for metric in METRICS.iter().filter(|metric| metrics.contains_key(metric.name)) {
        let sent = &metrics[metric.name];
        assert_eq!(sent.unit, metric.unit, "{}", metric.name);
        for point in points(sent) {
            assert_eq!(point.explicit_bounds, metric.boundaries, "{}", metric.name);
            let may = |name: &str| metric.attributes.contains(&name) || name == "gen_ai.token.type";
            let more = point.attributes.iter().find(|one| !may(&one.key));
            assert_eq!(more, None, "{}", metric.name);
        }
    }
    let tokens = &metrics["gen_ai.client.token.usage"];
    assert_eq!(
        by(tokens, "gen_ai.token.type"),
        json!({ "input": [2, 701.0], "output": [2, 51.0] })
    );
    let first = &points(tokens)[0].attributes;
    assert_eq!(attribute(first, "gen_ai.provider.name"), "local");
    assert_eq!(attribute(first, "gen_ai.response.model"), "scripted");
    let count = |name: &str, of: &str| {
        let counts = by(&metrics[name], of);
        counts
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, one)| format!("{key}: {}", one[0]))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        count("gen_ai.client.operation.duration", "error.type"),
        ["null: 2", "rate_limited: 1"]
    );
    assert_eq!(count("gen_ai.invoke_agent.duration", "error.type"), ["null: 1", "rate_limited: 1"]);
    assert_eq!(count("gen_ai.execute_tool.duration", "gen_ai.tool.name"), ["look: 1"]);
    assert_eq!(count("gen_ai.workflow.duration", "gen_ai.workflow.name"), ["plan: 1"]);
    let model = "gen_ai.request.model";
    assert_eq!(count("gen_ai.client.operation.time_to_first_chunk", model), ["tiny: 2"]);
    // Of the call, its name and its arguments; of the text, three pieces.
    assert_eq!(count("gen_ai.client.operation.time_per_output_chunk", model), ["tiny: 3"]);
}
