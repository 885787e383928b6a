//! Tables: files of LionAGI 0.0.300 load with nothing lost, and ours come back as they were.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::PathBuf,
    sync::Arc,
};

use branchwork::{
    Branch, Engine, Error, Session,
    core::{
        clock::Timestamp,
        config::ConfigPatch,
        message::{Body, CallId, Draft, Message, Outcome, Part, Status, ToolCall},
        provider::ProviderError,
    },
    table::{Destination, Format, Row, TableError, TableOptions},
};
use branchwork_testkit::Script;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{says, session, texts};

async fn empty() -> Branch {
    Engine::in_memory().session("table").create().await.unwrap().default_branch()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lionagi").join(name)
}

fn format_of(name: &str) -> Format {
    match name.rsplit_once('.') {
        Some((_, "csv")) => Format::Csv,
        _ => Format::JsonLines,
    }
}

/// Every form of tables that this build knows.
fn formats() -> Vec<Format> {
    vec![
        Format::Csv,
        Format::Json,
        Format::JsonLines,
        #[cfg(feature = "parquet")]
        Format::Parquet,
    ]
}

async fn load(name: &str) -> Branch {
    let branch = empty().await;
    let mut file = BufReader::new(File::open(fixture(name)).unwrap());
    let options = TableOptions::new();
    branch.import_table(format_of(name), &mut file, &options).await.unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{name}: {error}: {cause:?}")
    });
    branch
}

/// Contents are the same when they are the same JSON, or the same text.
fn said(content: &str) -> Value {
    let mut said = serde_json::from_str(content).unwrap_or_else(|_| content.into());
    if let Value::Object(fields) = &mut said {
        fields.remove("branchwork");
        // Calls and results have the identifier that pairs them; LionAGI has none.
        let items = fields.get_mut("action_request").and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(|item| {
            item.as_object_mut().map(|item| item.remove("id"));
        });
    }
    said
}

fn check_row(file: &str, row: &Row, expected: &Value) {
    let text = |field: &str| match &expected[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let ours = [&row.node_id, &row.timestamp, &row.role, &row.sender];
    let theirs = ["node_id", "timestamp", "role", "sender"].map(text);
    assert_eq!(ours, theirs.each_ref(), "{file}");
    let (ours, theirs) = (&row.content, text("content"));
    assert!(*ours == theirs || said(ours) == said(&theirs), "{file}: {ours} is not {theirs}");
}

#[tokio::test]
async fn files_of_lionagi_load_with_nothing_lost() {
    for (case, files) in [
        (
            "plain",
            &["messages.csv", "messages_noindex.csv", "messages.json", "messages_excel.csv"][..],
        ),
        ("odd", &["messages.csv", "messages_noindex.csv", "messages.json", "messages_utf8.json"]),
        (
            "lone_cr",
            &["messages.csv", "messages_noindex.csv", "messages.json", "messages_excel.csv"],
        ),
        ("numeric", &["messages.csv", "messages_noindex.csv", "messages.json"]),
        ("pyjson", &["messages.csv", "messages_noindex.csv", "messages.json"]),
        ("long", &["messages.csv", "messages.json"]),
        ("signed", &["messages.csv", "messages_noindex.csv", "messages.json"]),
        ("duplicate_ids", &["messages.csv", "messages_noindex.csv", "messages.json"]),
        ("changed_system", &["messages.json"]),
        ("reloaded", &["first.json"]),
        ("empty", &["messages.csv", "messages_noindex.csv", "messages.json"]),
    ] {
        let expected = fs::read_to_string(fixture(&format!("{case}/expected.json"))).unwrap();
        let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
        for file in files {
            let name = format!("{case}/{file}");
            let rows = load(&name).await.rows().await.unwrap();
            // Calls that LionAGI lost the results of are closed, and that is said.
            let own = |row: &&Row| !row.node_id.starts_with("msg_");
            let rows: Vec<_> = rows.iter().filter(own).collect();
            assert_eq!(rows.len(), expected.len(), "{name}");
            rows.iter().zip(&expected).for_each(|(row, expected)| check_row(&name, row, expected));
        }
    }
}

#[tokio::test]
async fn a_conversation_of_lionagi_is_one_here() {
    let view = load("plain/messages.csv").await.view().await.unwrap();
    let kinds: Vec<_> = view.messages().map(|message| message.body.kind().as_str()).collect();
    assert_eq!(kinds[..3], ["system", "instruction", "action_request"]);
    assert!(kinds.contains(&"action_response") && kinds.contains(&"response"));
    assert!(view.open_calls().is_empty(), "every call has its result");
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let text =
        select(vec!["", "plain", "None", "a \"b\", c\n\r\n你好 é", "{\"response\": 1}", "NA"]);
    let part = prop_oneof![
        5 => text.prop_map(Part::text),
        1 => Just(Part::Data(json!({ "a": [1, null, "x"] }))),
        1 => Just(Part::Reasoning { text: "hm".to_owned(), detail: None }),
        1 => Just(Part::Image { url: "data:image/png;base64,AA==".to_owned(), detail: None }),
    ];
    vec(part, 0..3)
}

/// A step of a conversation: one message, or calls with their results.
fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let context = proptest::option::of(select(vec![json!(0), json!(""), json!({}), Value::Null]));
    let message = prop_oneof![
        select(vec!["Be brief.", ""]).prop_map(|text| Body::System { text: text.to_owned() }),
        (parts(), context).prop_map(|(parts, context)| Body::Instruction { parts, context }),
        parts().prop_map(|parts| Body::Response { parts }),
    ];
    let status = select(Status::ALL.to_vec());
    let single = (message, status, any::<bool>()).prop_map(|(body, status, full)| {
        let draft = Draft::new(body).with_status(status);
        if full {
            let metadata = json!({ "k": 1 }).as_object().cloned().unwrap();
            vec![draft.with_recipient("bob").with_sender("a,b").with_metadata(metadata)]
        } else {
            vec![draft]
        }
    });
    let outcome = prop_oneof![
        Just(Outcome::Succeeded(json!([1, 2]))),
        Just(Outcome::Failed("no".to_owned())),
        Just(Outcome::Unknown),
    ];
    let names = select(vec!["assistant", "tool", "action_request", "action_response", "x"]);
    let calls = (parts(), vec(outcome, 1..4), names).prop_map(|(parts, outcomes, name)| {
        let id = |index: usize| CallId::new(format!("c{index}"));
        let call = |index| ToolCall {
            id: id(index),
            function: "f".to_owned(),
            arguments: "{\"x\": \"é\"}".to_owned(),
        };
        let calls = (0..outcomes.len()).map(call).collect();
        let results = outcomes.into_iter().enumerate();
        let result = |(index, outcome)| Draft::result(id(index), "f", outcome).with_sender(name);
        let results = results.map(result);
        let request = Draft::new(Body::ActionRequest { parts, calls }).with_sender(name);
        std::iter::once(request).chain(results).collect()
    });
    prop_oneof![4 => single, 1 => calls]
}

/// A message without what an import makes anew: its identifier, its time, what it was known by.
fn core_of(message: &Message) -> Message {
    let mut message = message.clone();
    message.id = branchwork::core::id::MessageId::from_bits(0);
    message.at = Timestamp::default();
    message.metadata.remove("table");
    message
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read_as_it_was(
        steps in vec(drafts(), 0..12),
        format in select(formats()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (source, copy) = (empty().await, empty().await);
            for step in steps {
                source.append_all(step).await.unwrap();
            }
            let rows = source.rows().await.unwrap();
            let mut table = Vec::new();
            format.write(rows.clone(), &mut table).unwrap();
            copy.import_table(format, &mut &table[..], &TableOptions::new()).await.unwrap();
            let (before, after) = (source.view().await.unwrap(), copy.view().await.unwrap());
            let before: Vec<_> = before.messages().map(|message| core_of(message)).collect();
            let after: Vec<_> = after.messages().map(|message| core_of(message)).collect();
            assert_eq!(after, before);
            assert_eq!(copy.rows().await.unwrap(), rows, "rows come back to the letter");
        });
    }
}

#[tokio::test]
async fn damaged_rows_are_named_or_left_out_and_foreign_files_refused() {
    let head = "node_id,timestamp,role,sender,content\n";
    let good = "1,t,user,ada,\"{\"\"instruction\"\": \"\"hi\"\"}\"\n";
    for (bad, problem) in [
        ("2,t,banana,ada,{}\n", "row 2 has the role `banana`, not system, user or assistant"),
        ("2,t,user,ada\n", "row 2 has 4 fields, not 5"),
        ("2,t,user,ada,{},more\n", "row 2 has 6 fields, not 5"),
    ] {
        let table = format!("{head}{good}{bad}{good}");
        let branch = empty().await;
        let options = TableOptions::new();
        let refused = branch.import_table(Format::Csv, &mut table.as_bytes(), &options).await;
        assert_eq!(refused.unwrap_err().to_string(), problem);
        assert!(branch.view().await.unwrap().is_empty(), "nothing is half done");
        let options = options.with_skip_bad();
        let imported = branch.import_table(Format::Csv, &mut table.as_bytes(), &options).await;
        let imported = imported.unwrap();
        assert_eq!((imported.messages, imported.skipped[0].line), (2, 2));
    }
    for (format, table, problem) in [
        (Format::Csv, "", "it is empty"),
        (
            Format::Csv,
            "a,b\n",
            "it has the columns `a, b`, not `node_id, timestamp, role, sender, content`",
        ),
        (Format::Json, "{}", "it is no array of messages"),
        (Format::JsonLines, "{}\n", "row 1 has no field `node_id`"),
        (Format::JsonLines, "x\n", "row 1 is no JSON: expected value at line 1 column 1"),
    ] {
        let mut table = table.as_bytes();
        let refused = empty().await.import_table(format, &mut table, &TableOptions::new()).await;
        assert_eq!(refused.unwrap_err().to_string(), problem);
    }
}

/// The line of a row of the assistant.
fn assistant(content: &Value) -> String {
    let (node_id, timestamp, role) = ("n", "t", "assistant");
    let content = content.to_string();
    let row = json!({
        "node_id": node_id,
        "timestamp": timestamp,
        "role": role,
        "sender": "s",
        "content": content,
    });
    format!("{row}\n")
}

#[tokio::test]
async fn a_result_whose_calls_were_left_out_is_told_as_text() {
    let call = json!({"action": "action_add", "arguments": {}, "id": "x"});
    let result = json!({"function": "add", "arguments": {}, "output": 1, "id": "x"});
    let table = assistant(&json!({"response": "before"}))
        + &assistant(&json!({"action_request": [call, call]}))
        + &assistant(&json!({"action_response": result}))
        + &assistant(&json!({"response": "after"}));
    let branch = empty().await;
    let options = TableOptions::new().with_skip_bad();
    let imported = branch.import_table(Format::JsonLines, &mut table.as_bytes(), &options).await;
    let imported = imported.unwrap();
    let lines: Vec<_> = imported.skipped.iter().map(|skipped| skipped.line).collect();
    assert_eq!((imported.messages, lines), (3, vec![2]));
    let said = texts(&branch).await;
    assert_eq!((said[0].as_str(), said[2].as_str()), ("before", "after"));
    assert!(said[1].contains("\"output\":1"), "{said:?}");
}

#[tokio::test]
async fn calls_do_not_wait_behind_a_row_that_is_no_json() {
    let call = json!({"action": "action_add", "arguments": {}, "id": "x"});
    let result = json!({"function": "add", "arguments": {}, "output": 1, "id": "x"});
    let rows = [json!({"action_request": [call]}), json!("?"), json!({"action_response": result})];
    let table: String = rows.iter().map(assistant).collect();
    let table = table.replace(r#""\"?\"""#, r#""{not JSON""#);
    assert!(table.contains("{not JSON"));
    let branch = empty().await;
    let options = TableOptions::new();
    branch.import_table(Format::JsonLines, &mut table.as_bytes(), &options).await.unwrap();
    let said = texts(&branch).await;
    assert_eq!(said[said.len() - 2], "{not JSON");
    assert!(said[said.len() - 1].contains("\"output\":1"), "{said:?}");
}

#[tokio::test]
async fn a_result_of_our_own_form_without_its_call_is_told_as_text() {
    let branch = empty().await;
    let id = CallId::new("c1");
    let call = ToolCall { id: id.clone(), function: "add".to_owned(), arguments: "{}".to_owned() };
    let request = Body::ActionRequest { parts: Vec::new(), calls: vec![call] };
    let result = Draft::result(id, "add", Outcome::Failed("no".to_owned()));
    branch.append_all(vec![Draft::new(request), result]).await.unwrap();
    let mut row = branch.rows().await.unwrap().swap_remove(1);
    let mut content: Value = serde_json::from_str(&row.content).unwrap();
    // A row that knows nothing of its call.
    content["action_response"].as_object_mut().unwrap().remove("arguments").unwrap();
    row.content = content.to_string();
    let mut table = Vec::new();
    Format::JsonLines.write(vec![row.clone()], &mut table).unwrap();
    let copy = empty().await;
    let options = TableOptions::new();
    let imported = copy.import_table(Format::JsonLines, &mut &table[..], &options).await.unwrap();
    assert_eq!(imported.messages, 1);
    assert_eq!(copy.rows().await.unwrap(), [row]);
}

#[tokio::test]
async fn many_calls_that_nobody_answered_fit_into_commits() {
    let call = |n| json!({"action": "action_add", "arguments": {}, "id": format!("x{n}")});
    let calls: Vec<_> = (0..6).map(call).collect();
    let table = assistant(&json!({"action_request": calls})).repeat(2_000);
    let branch = empty().await;
    let options = TableOptions::new();
    let imported = branch.import_table(Format::JsonLines, &mut table.as_bytes(), &options).await;
    assert_eq!(imported.unwrap().messages, 2_000);
    assert!(branch.view().await.unwrap().len() >= 2_000 * 7 - 6);
}

#[tokio::test]
async fn calls_and_results_are_told_as_lionagi_tells_them() {
    let branch = empty().await;
    let call = ToolCall {
        id: CallId::new("c1"),
        function: "add".to_owned(),
        arguments: "{\"a\": 1}".to_owned(),
    };
    let request = Body::ActionRequest { parts: Vec::new(), calls: vec![call] };
    let result = Draft::result(CallId::new("c1"), "add", Outcome::Succeeded(json!(1)));
    branch.append_all(vec![Draft::new(request), result]).await.unwrap();
    let rows = branch.rows().await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.role.as_str(), row.sender.as_str())).collect();
    assert_eq!(told, [("assistant", "action_request"), ("assistant", "action_response")]);
    let content: Value = serde_json::from_str(&rows[1].content).unwrap();
    let expected = json!({ "function": "add", "arguments": { "a": 1 }, "output": 1, "id": "c1" });
    assert_eq!(content, json!({ "action_response": expected }));
    let copy = empty().await;
    let mut table = Vec::new();
    Format::Csv.write(rows, &mut table).unwrap();
    copy.import_table(Format::Csv, &mut &table[..], &TableOptions::new()).await.unwrap();
    let view = copy.view().await.unwrap();
    let senders: Vec<_> = view.messages().map(|message| message.sender.as_str()).collect();
    assert_eq!(senders, ["assistant", "tool"]);
}

#[tokio::test]
async fn an_edited_import_tells_what_it_says_now() {
    let branch = load("odd/messages.csv").await;
    let view = branch.view().await.unwrap();
    let first = view.messages().find(|one| matches!(one.body, Body::Instruction { .. })).unwrap();
    branch.edit(first.id, Body::instruction("new")).await.unwrap();
    let rows = branch.rows().await.unwrap();
    let id = Row::all([first.as_ref()])[0].node_id.clone();
    let row = rows.iter().find(|row| row.node_id == id).unwrap();
    assert_eq!(row.content, "{\"instruction\":\"new\"}");
}

#[test]
fn a_destination_is_whole_or_not_there_and_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let at = Timestamp::from_micros(1_795_651_199_000_001);
    let sub = folder.path().join("a/b");
    let plain = Destination::new(&sub, "v1.2.csv");
    assert_eq!(plain.clone().with_timestamp(at).path(), sub.join("v1.2_20261125235959.csv"));
    assert_eq!(plain.clone().with_time_prefix(at).path(), sub.join("20261125235959_v1.2.csv"));
    let names = || -> Vec<_> {
        let entries = fs::read_dir(&sub).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let failed = plain.write(|out| {
        out.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!((failed.unwrap_err().kind(), names()), (io::ErrorKind::StorageFull, vec![]));
    let path = plain.write(|out| out.write_all(b"whole")).unwrap();
    let again = plain.write(|out| out.write_all(b"other")).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(
        (fs::read(path).unwrap(), names()),
        (b"whole".to_vec(), vec!["v1.2.csv".to_owned()])
    );
    let taken = Destination::new(&sub, "x.csv").with_new_folder().write(|_| Ok(())).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
}

/// A reader that fails.
struct Broken;

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::TimedOut.into())
    }
}

#[tokio::test]
async fn an_export_changes_nothing_and_a_failing_reader_is_an_error() {
    let branch = empty().await;
    branch.append(says("q")).await.unwrap();
    let head = branch.record().await.unwrap();
    branch.rows().await.unwrap();
    assert_eq!(branch.record().await.unwrap(), head);
    for format in formats() {
        let mut broken = BufReader::new(Broken);
        let refused = branch.import_table(format, &mut broken, &TableOptions::new()).await;
        assert!(matches!(refused, Err(Error::Table(TableError::Io { what: "read", .. }))));
    }
    let message = Arc::clone(branch.view().await.unwrap().last().unwrap());
    assert_eq!(Row::all([message.as_ref()])[0].content, "{\"instruction\":\"q\"}");
}

/// A session with two branches, a call that succeeded and one that failed.
async fn billed() -> Session {
    let refused = ProviderError::Auth { status: Some(401), detail: "no, \"never\"".to_owned() };
    let scripts = [Script::text("fine"), Script::refusal(refused)];
    let (session, _) = session(scripts).await;
    let main = session.default_branch();
    let patch = ConfigPatch::default().with_setting("seed", 3.into()).unwrap();
    main.chat("q").with_config(patch).await.unwrap();
    let other = main.fork("a/b: c").await.unwrap();
    drop(other.chat("again").await.unwrap_err());
    session
}

#[tokio::test]
async fn the_call_log_is_a_table_in_which_what_is_unknown_is_empty() {
    let session = billed().await;
    let rows = session.call_rows().await.unwrap();
    let mut csv = Vec::new();
    Format::Csv.write(rows.clone(), &mut csv).unwrap();
    let mut reader = csv::Reader::from_reader(&csv[..]);
    let columns: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    let field = |row: usize, name: &str| {
        let index = columns.iter().position(|column| column == name).unwrap();
        records[row][index].to_owned()
    };
    assert_eq!(records.len(), 2);
    assert_eq!((field(0, "provider"), field(0, "model")), ("local".into(), "tiny".into()));
    assert_eq!((field(0, "config"), field(0, "finish")), ("{\"seed\":3}".into(), "stop".into()));
    assert_eq!((field(0, "cost_usd"), field(0, "failure")), (String::new(), String::new()));
    assert_eq!(field(1, "failure_detail"), "no, \"never\"");
    assert_eq!((field(1, "input_tokens"), field(1, "finish")), (String::new(), String::new()));
    assert_ne!(field(0, "branch"), field(1, "branch"));
    // JSON has the same columns, in the same order.
    let mut lines = Vec::new();
    Format::JsonLines.write(rows, &mut lines).unwrap();
    let first = String::from_utf8(lines).unwrap().lines().next().unwrap().to_owned();
    let places: Vec<_> =
        columns.iter().map(|name| first.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted());
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["cost_usd"], &first["retries"]), (&Value::Null, &json!(0)));
    assert_eq!(
        first["input_tokens"],
        json!(session.calls().await.unwrap()[0].call.usage.unwrap().input_tokens)
    );
}

#[tokio::test]
async fn s109_every_branch_has_a_file_of_its_own_and_keeps_its_messages() {
    let session = billed().await;
    let folder = TempDir::new().unwrap();
    let to = Destination::new(folder.path().join("out"), "messages.csv");
    let files = session.export_tables(Format::Csv, &to, |_| true).await.unwrap();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["main_messages.csv", "a-b- c_messages.csv"]);
    let copy = empty().await;
    let mut file = BufReader::new(File::open(&files[0]).unwrap());
    copy.import_table(Format::Csv, &mut file, &TableOptions::new()).await.unwrap();
    assert_eq!(texts(&copy).await, texts(&session.default_branch()).await);
    assert_eq!(texts(&session.default_branch()).await, ["q", "fine"]);
    // One file is there: none is written, and none is touched.
    fs::remove_file(&files[0]).unwrap();
    let before = fs::read(&files[1]).unwrap();
    let refused = session.export_tables(Format::Csv, &to, |_| true).await.unwrap_err();
    assert!(matches!(refused, Error::Table(TableError::Io { .. })), "{refused}");
    assert_eq!(fs::read(&files[1]).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
    // One branch alone.
    let files = session.export_tables(Format::Csv, &to, |name| name == "main").await.unwrap();
    assert_eq!(files.len(), 1);
}

#[cfg(feature = "parquet")]
mod parquet {
    use arrow_array::{ArrayRef, Int64Array, LargeStringArray, RecordBatch, cast::AsArray as _};
    use branchwork::table::record_batch;

    use super::*;

    #[tokio::test]
    async fn the_call_log_is_a_record_batch_in_which_what_is_unknown_is_null() {
        use arrow_array::{
            Array as _,
            types::{Float64Type, UInt64Type},
        };
        let rows = billed().await.call_rows().await.unwrap();
        let batch = record_batch(&rows).unwrap();
        assert_eq!((batch.num_rows(), batch.num_columns()), (2, 26));
        let column = |name: &str| batch.column_by_name(name).unwrap();
        assert_eq!(column("model").as_string::<i64>().value(0), "tiny");
        let tokens = column("input_tokens").as_primitive::<UInt64Type>();
        assert_eq!((tokens.is_null(0), tokens.is_null(1)), (rows[0].input_tokens.is_none(), true));
        assert!(column("cost_usd").as_primitive::<Float64Type>().is_null(0));
        assert_eq!(column("retries").as_primitive::<UInt64Type>().value(1), 0);
        let none: [Row; 0] = [];
        assert_eq!(record_batch(&none).unwrap().num_rows(), 0);
    }

    /// The bytes of a Parquet file of one batch.
    fn file(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let schema = batch.schema();
        let mut writer = ::parquet::arrow::ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    async fn import(bytes: &[u8]) -> Result<u64, String> {
        let imported = empty()
            .await
            .import_table(Format::Parquet, &mut &bytes[..], &TableOptions::new())
            .await;
        imported.map(|imported| imported.messages).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn files_of_other_makes_load_when_they_have_the_columns() {
        let texts = |texts: [&str; 2]| Arc::new(LargeStringArray::from(texts.to_vec())) as ArrayRef;
        let columns = || {
            vec![
                ("content", texts(["{\"instruction\":\"q\"}", "{\"response\":\"a\"}"])),
                ("node_id", texts(["1", "2"])),
                ("timestamp", texts(["2024", "2025"])),
                ("role", texts(["user", "assistant"])),
                ("sender", texts(["ada", "assistant"])),
            ]
        };
        assert_eq!(import(&file(columns())).await, Ok(2));
        let mut numbers = columns();
        numbers[1].1 = Arc::new(Int64Array::from(vec![1, 2]));
        let refused = import(&file(numbers)).await.unwrap_err();
        assert_eq!(refused, "it has a column `node_id` of type Int64, not of text");
        let mut more = columns();
        more.push(("smell", texts(["rose", "rose"])));
        assert_eq!(import(&file(more)).await.unwrap_err(), "it has the unknown column `smell`");
        let mut fewer = columns();
        fewer.pop();
        assert_eq!(import(&file(fewer)).await.unwrap_err(), "it has no column `sender`");
        let whole = file(columns());
        for bad in [&whole[..whole.len() / 2], b"PAR1", b""] {
            let refused = import(bad).await.unwrap_err();
            assert!(refused.starts_with("it is no Parquet that can be read"), "{refused}");
        }
    }
}
