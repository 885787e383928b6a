//! Section 3.9: the call log.

use branchwork::core::{call::ModelCall, codec};
use branchwork_testkit::Script;
use serde_json::Value;

use crate::support::{session, texts};

/// The stored form of a call, with 0 for every number: their digits are no growth.
fn stored(call: &ModelCall) -> String {
    let entry: Value = serde_json::from_slice(&codec::encode_call(call).unwrap()).unwrap();
    without_numbers(entry).to_string()
}

fn without_numbers(value: Value) -> Value {
    match value {
        Value::Number(_) => 0.into(),
        Value::Array(items) => items.into_iter().map(without_numbers).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, without_numbers(field))).collect()
        }
        other => other,
    }
}

#[tokio::test]
async fn s196_an_entry_is_as_long_after_many_turns_as_after_few_and_holds_no_message() {
    const TURNS: usize = 40;
    let answer = |turn| Script::text(format!("answer {turn} {}", "a".repeat(turn * 100)));
    let (session, provider) = session((0..TURNS).map(answer)).await;
    let main = session.default_branch();
    for turn in 0..TURNS {
        main.chat(format!("question {turn} {}", "q".repeat(turn * 100))).await.unwrap();
    }
    assert_eq!((texts(&main).await.len(), provider.requests().len()), (2 * TURNS, TURNS));
    let entries: Vec<_> =
        session.calls().await.unwrap().iter().map(|call| stored(&call.call)).collect();
    assert_eq!(entries.len(), TURNS);
    for (turn, entry) in entries.iter().enumerate().skip(1) {
        assert_eq!(entry.len(), entries[1].len(), "turn {turn}: {entry}");
        assert!(!entry.contains("question") && !entry.contains("answer"), "{entry}");
    }
}
