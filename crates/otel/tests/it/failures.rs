//! What could not be sent is told, and keeps nobody from their work.

use std::{net::TcpListener, sync::Arc, time::Duration};

use branchwork_otel::{Otel, OtelError, OtlpOptions};
use branchwork_testkit::{Script, ScriptedProvider};

use crate::collector::{Collector, Exporting, engine};

/// Talks, and answers how the export ended.
async fn talk(options: &OtlpOptions) -> Result<(), OtelError> {
    let exporting = Exporting::to(options);
    let engine = engine(exporting.telemetry());
    engine.register("local", Arc::new(ScriptedProvider::answering(|_| Script::text("a"))));
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    assert_eq!(session.default_branch().chat("q").await.unwrap().text, "a");
    engine.close().await.unwrap();
    exporting.otel.close()
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_told_of() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = OtlpOptions::new().with_endpoint(format!("http://{address}"));
    let error = talk(&options).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && error.contains("onnection refused"), "{error}");
}

#[tokio::test]
async fn a_collector_that_refuses_is_told_of() {
    let error = talk(&Collector::answering(401).options()).await.unwrap_err().to_string();
    assert_eq!(error, "telemetry could not be sent: 127.0.0.1 answered 401 Unauthorized");
}

#[tokio::test]
async fn a_collector_that_says_nothing_is_not_waited_for() {
    // It takes connections, and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = OtlpOptions::new().with_endpoint(url).without_metrics();
    let error =
        talk(&options.with_timeout(Duration::from_millis(50))).await.unwrap_err().to_string();
    assert!(error.contains("no answer within 50ms"), "{error}");
}

#[tokio::test]
async fn only_what_is_wanted_is_sent() {
    let collector = Collector::start();
    talk(&collector.options().without_metrics()).await.unwrap();
    assert!(!collector.spans().is_empty() && collector.metrics().is_empty());
    let collector = Collector::start();
    talk(&collector.options().without_spans()).await.unwrap();
    assert!(collector.spans().is_empty() && !collector.metrics().is_empty());
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    let options = OtlpOptions::new().with_endpoint("http://me:planted@no url");
    let error = Otel::otlp(&options).unwrap_err();
    let OtelError::BadSetup { source } = error else { panic!("{error}") };
    assert_eq!(
        source.to_string(),
        "invalid exporter configuration: endpoint: invalid endpoint",
        "it may hold a password"
    );
}

#[tokio::test]
async fn it_may_be_dropped_where_others_run() {
    let collector = Collector::start();
    drop(Exporting::to(&collector.options()));
}
