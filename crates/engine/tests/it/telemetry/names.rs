//! Every name that is told is listed, and the page of the reference lists the same.

use std::{collections::BTreeSet, time::Duration};

use branchwork::{
    core::{
        provider::{Finish, ProviderEvent, Retried},
        tool::ToolSelection,
    },
    telemetry::{
        Telemetry,
        names::{ATTRIBUTES, ERROR_TYPES, EVENTS, METRICS, SPANS},
    },
    tools::{FunctionTool, ToolSpec},
};
use branchwork_testkit::{Script, SeenSpan, Spans};
use serde_json::json;
use tracing::Level;

use super::told;

/// Of every kind of span that the engine makes, one.
async fn one_of_each() -> Vec<SeenSpan> {
    let spans = Spans::at(Level::TRACE);
    let (wait, error_type, problem) = (Duration::ZERO, "timeout", String::new());
    let retried = ProviderEvent::Retried(Retried { retries: 1, wait, error_type, problem });
    let calls = Script::new()
        .with_event(retried)
        .with_start()
        .with_call(0, ("c1", "look", "{}"))
        .with_end(Finish::ToolCalls);
    let session = told(Telemetry::new().with_content(), [calls, Script::text("a")]).await;
    let spec = ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    let look = |_, _| std::future::ready(Ok(json!(1)));
    session.register(FunctionTool::dynamic(spec, look)).unwrap();
    let main = session.default_branch();
    let flow = main.flow("plan");
    let chat = main.chat("q").with_tools(ToolSelection::All);
    flow.chat("ask", chat).await.unwrap();
    flow.step("note", async || Ok::<_, branchwork::Error>(1)).await.unwrap();
    let scout = main.fork("scout").await.unwrap();
    scout.send(&main, "Rain.").await.unwrap();
    main.receive().await.unwrap();
    drop(flow);
    spans.all()
}

#[tokio::test]
async fn spans_say_what_is_listed_and_no_more() {
    let seen = one_of_each().await;
    let names: BTreeSet<&str> = seen.iter().map(|span| span.name).collect();
    // Those are told of by `branchwork-mcp` and `branchwork-providers`, and compared there.
    let elsewhere = ["mcp", "embeddings"];
    let listed: BTreeSet<&str> =
        SPANS.iter().map(|span| span.name).filter(|name| !elsewhere.contains(name)).collect();
    assert_eq!(names, listed);
    let listed = |name: &str| -> BTreeSet<&str> {
        let listed = ATTRIBUTES.iter().filter(|one| one.spans.contains(&name));
        listed.map(|one| one.name).collect()
    };
    for span in &seen {
        let may: BTreeSet<&str> = span.declared.iter().copied().collect();
        assert_eq!(may, listed(span.name), "{}", span.name);
        assert!(span.target.starts_with("branchwork::"), "{}", span.target);
        for event in &span.events {
            let may: BTreeSet<&str> = event.declared.iter().copied().collect();
            assert_eq!(may, listed(event.name), "{}", event.name);
            assert!(event.target.starts_with("branchwork::"), "{}", event.target);
        }
    }
    let events = seen.iter().flat_map(SeenSpan::event_names);
    let listed = EVENTS.iter().map(|event| event.name);
    assert_eq!(events.collect::<BTreeSet<_>>(), listed.collect());
}

#[test]
fn names_are_listed_once() {
    for names in [
        SPANS
            .iter()
            .map(|span| span.name)
            .chain(EVENTS.iter().map(|event| event.name))
            .collect::<Vec<_>>(),
        ATTRIBUTES.iter().map(|one| one.name).collect(),
        METRICS.iter().map(|metric| metric.name).collect(),
        ERROR_TYPES.iter().map(|(name, _)| *name).collect(),
    ] {
        let distinct: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
    for metric in METRICS {
        let boundaries = metric.boundaries;
        assert!(boundaries.windows(2).all(|pair| pair[0] < pair[1]), "{}", metric.name);
    }
}

#[test]
fn the_page_lists_what_there_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/telemetry.md");
    let page = std::fs::read_to_string(path).unwrap();
    for (title, table) in tables() {
        let section = page.split_once(&format!("## {title}\n")).map(|(_, rest)| rest);
        let section = section.unwrap_or_else(|| panic!("the page has no section `{title}`"));
        let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
        let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.join("\n"), table.join("\n"), "`{title}` in {path} is not what there is");
    }
}

/// The rows that the page has.
fn tables() -> [(&'static str, Vec<String>); 6] {
    let spans = SPANS.iter().map(|span| {
        let (name, title, role, level) = (span.name, span.title, span.role, span.level);
        format!("| `{name}` | `{title}` | {role} | {level} | {} |", span.is)
    });
    let events = EVENTS.iter().map(|event| {
        let spans: Vec<String> = event.spans.iter().map(|span| format!("`{span}`")).collect();
        format!("| `{}` | {} | {} | {} |", event.name, spans.join(", "), event.level, event.is)
    });
    let row = |one: &branchwork::telemetry::names::Attribute| {
        let spans: Vec<String> = one.spans.iter().map(|span| format!("`{span}`")).collect();
        format!("| `{}` | {} | {} |", one.name, spans.join(", "), one.is.trim())
    };
    let attributes = ATTRIBUTES.iter().filter(|one| !one.is_content).map(row);
    let content = ATTRIBUTES.iter().filter(|one| one.is_content).map(row);
    let metrics = METRICS.iter().map(|metric| {
        let bounds: Vec<String> = metric.boundaries.iter().map(ToString::to_string).collect();
        let attributes = metric.attributes.iter().map(|name| format!("`{name}`"));
        let attributes: Vec<String> = attributes.collect();
        let (name, unit, is) = (metric.name, metric.unit, metric.is);
        let (attributes, bounds) = (attributes.join(", "), bounds.join(", "));
        format!("| `{name}` | {unit} | {is} | {attributes} | {bounds} |")
    });
    let errors = ERROR_TYPES.iter().map(|(name, is)| format!("| `{name}` | {} |", is.trim()));
    [
        ("Spans", spans.collect()),
        ("Events", events.collect()),
        ("Attributes", attributes.collect()),
        ("Content", content.collect()),
        ("Failures", errors.collect()),
        ("Metrics", metrics.collect()),
    ]
}
