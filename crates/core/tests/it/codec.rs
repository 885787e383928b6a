//! The stored form: golden files that are never edited, and round trips.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use branchwork_core::{
    call::{CallFailure, CallRequest, ModelCall, RequestHash, Timings},
    clock::Timestamp,
    codec::{self, MailStamp, OpPlace},
    config::{Change, Config, ConfigPatch, Defaults},
    graph::{Approval, CallResult, Merge, MergeMode, Op, OpKind, Step, StepResult},
    id::{BranchId, MailId, MessageId, OpId},
    limits::JSON_DEPTH_MAX,
    mail::{Mail, Package},
    message::{
        Body, CallId, Draft, DraftError, FileSource, Message, Native, Origin, Outcome, Part,
        Status, ToolCall,
    },
    provider::{Adapted, ProviderEvent, Rerouted, ToolChoice, ToolSpec, Usage},
    turn::Answer,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn op(kind: OpKind) -> Op {
    let id = OpId::from_bits((7 << 32) | 3);
    Op {
        id,
        parent: id.previous(),
        at: Timestamp::from_micros(1_764_000_000_000_001),
        step: Step::Alone,
        standing: 2,
        author: None,
        kind,
    }
}

fn message(body: Body) -> Op {
    let op = op(OpKind::Remove { targets: Vec::new() });
    let message = Message {
        id: op.id.into(),
        at: op.at,
        sender: body.role().as_str().to_owned(),
        recipient: None,
        body,
        metadata: Map::new(),
        status: Status::Complete,
        edited: None,
        origin: None,
    };
    Op { kind: OpKind::Message(Arc::new(message)), ..op }
}

fn lead(body: Body) -> Op {
    let op = message(body);
    let message = op.kind.as_message().expect("it appends a message").clone();
    Op { kind: OpKind::Lead(Arc::new(message)), ..op }
}

fn with_message(op: Op, change: impl FnOnce(&mut Message)) -> Op {
    let OpKind::Message(message) = &op.kind else { panic!("it appends a message") };
    let mut message = (**message).clone();
    change(&mut message);
    Op { kind: OpKind::Message(Arc::new(message)), ..op }
}

/// One op of each kind and shape that brings a message.
fn samples() -> Vec<(&'static str, Op)> {
    let call = |id: &str, arguments: &str| ToolCall {
        id: CallId::new(id),
        function: "add".to_owned(),
        arguments: arguments.to_owned(),
    };
    let parts = vec![
        Part::Reasoning { text: "hm".to_owned(), detail: Some(json!([{"signature": "x="}])) },
        Part::text("Two \"lines\"\nand 你好 \u{0}"),
        Part::Image {
            url: "data:image/png;base64,AA==".to_owned(),
            detail: Some("low".to_owned()),
        },
        Part::File { name: Some("a.txt".to_owned()), source: FileSource::Id("file-1".to_owned()) },
        Part::File { name: None, source: FileSource::Url("data:text/plain,a".to_owned()) },
        Part::Data(json!({"b": 1, "a": [null]})),
    ];
    let outcome = |outcome| {
        message(Body::ActionResponse {
            call: CallId::new("c"),
            function: "add".to_owned(),
            outcome,
        })
    };
    let mut opened = message(Body::instruction("q"));
    opened.step = Step::Opens;
    let null_context =
        Body::Instruction { parts: vec![Part::text("q")], context: Some(Value::Null) };
    vec![
        ("system", message(Body::System { text: "Be brief.".to_owned() })),
        ("lead", lead(Body::System { text: "Be brief.".to_owned() })),
        ("birth", Op { step: Step::Birth, ..lead(Body::System { text: "Be brief.".to_owned() }) }),
        ("instruction", opened),
        ("instruction-null-context", message(null_context)),
        ("response", message(Body::Response { parts })),
        (
            "interrupted",
            with_message(message(Body::response("half")), |message| {
                message.status = Status::Interrupted;
                message.recipient = Some("ada".to_owned());
                message.metadata.insert("k".to_owned(), json!({"deep": [1.5, -0.0]}));
            }),
        ),
        (
            "request",
            message(Body::ActionRequest {
                parts: vec![Part::text("Let me look")],
                calls: vec![call("c", "{\"a\":1}"), call("d", "{broken")],
            }),
        ),
        (
            "native",
            message(Body::ActionRequest {
                parts: vec![
                    Part::Native(Native::new("gemini", "flash", json!({"thoughtSignature": "x="}))),
                    Part::Call(0),
                    Part::text("and"),
                    Part::Audio { url: "data:audio/wav;base64,AA==".to_owned() },
                ],
                calls: vec![call("c", "{}")],
            }),
        ),
        ("succeeded", outcome(Outcome::Succeeded(json!({"sum": 3})))),
        ("failed", outcome(Outcome::Failed("no such tool".to_owned()))),
        ("cancelled", outcome(Outcome::Cancelled("stopped".to_owned()))),
        ("unknown", outcome(Outcome::Unknown)),
    ]
}

/// One op of each kind that has to do with what comes from elsewhere.
fn arrivals() -> Vec<(&'static str, Op)> {
    let said = MessageId::from_bits((9 << 32) | 1);
    let mail = MailId::from_bits(5);
    let from = |origin| {
        with_message(message(Body::response("Rome.")), |message| {
            message.origin = Some(Box::new(origin));
        })
    };
    let merge = Merge {
        from: BranchId::from_bits(6),
        head: OpId::from_bits((9 << 32) | 2),
        base: Some(OpId::from_bits(7 << 32)),
        mode: MergeMode::Summary,
        told: vec![said],
    };
    let bare = Merge { base: None, mode: MergeMode::Append, told: Vec::new(), ..merge.clone() };
    vec![
        ("merged", from(Origin::Merged { message: said, mail: None })),
        ("merged-mail", from(Origin::Merged { message: said, mail: Some(mail) })),
        ("folded", from(Origin::Folded { by: said.op() })),
        ("mailed", from(Origin::Mailed { mail, message: Some(said) })),
        ("mailed-text", from(Origin::Mailed { mail, message: None })),
        ("merge", op(OpKind::Merge(Box::new(merge)))),
        ("merge-bare", op(OpKind::Merge(Box::new(bare)))),
        ("receive", op(OpKind::Receive { mail })),
    ]
}

/// One op of each kind that changes what is there, or notes something.
fn changes() -> Vec<(&'static str, Op)> {
    let target = MessageId::from_bits((7 << 32) | 1);
    let mut patch = ConfigPatch { temperature: Change::Set(0.5), ..ConfigPatch::default() }
        .with_model(Some("local".to_owned()), "tiny");
    patch.seed = Change::Clear;
    patch.stop = Change::Set(vec!["\n".to_owned()]);
    patch.response_schema = Change::Set(json!({"type": "object"}));
    patch.extras.insert("top_k".to_owned(), json!(40));
    patch.extras.insert("min_p".to_owned(), Value::Null);
    let tools = Change::Set(vec!["add".to_owned()]);
    let tools = Box::new(ConfigPatch { tools, ..ConfigPatch::default() });
    let mut configured = op(OpKind::Configure(Box::new(patch)));
    configured.author = Some("ada".to_owned());
    let noted = CallResult {
        call: CallId::new("c"),
        function: "add".to_owned(),
        outcome: Outcome::Succeeded(json!({"sum": 3})),
    };
    let (flow, step) = ("research".to_owned(), "outline".to_owned());
    let done = StepResult { flow, step, value: json!({"parts": ["one", null]}) };
    let denied = CallResult { outcome: Outcome::Denied("no".to_owned()), ..noted.clone() };
    vec![
        ("edit", op(OpKind::Edit { target, body: Body::response("better") })),
        ("remove", op(OpKind::Remove { targets: vec![target] })),
        ("fold", op(OpKind::Fold { targets: vec![target], summary: "Rome, mostly.".to_owned() })),
        ("unfold", op(OpKind::Unfold { target })),
        ("noted", op(OpKind::Noted(Arc::new(noted)))),
        ("denied", op(OpKind::Noted(Arc::new(denied)))),
        ("asked", op(OpKind::Approval { calls: vec![CallId::new("c")], stage: Approval::Asked })),
        (
            "approved",
            op(OpKind::Approval { calls: vec![CallId::new("c")], stage: Approval::Given }),
        ),
        ("used", op(OpKind::Approval { calls: Vec::new(), stage: Approval::Used })),
        ("done", op(OpKind::Done(Arc::new(done)))),
        ("configure", configured),
        ("configure-tools", op(OpKind::Configure(tools))),
    ]
}

fn decode(op: &Op, head: &[u8], body: &[u8]) -> Op {
    let Op { id, parent, at, standing, .. } = *op;
    let place = OpPlace { id, parent, at, standing };
    codec::decode(codec::VERSION, place, head, body).unwrap()
}

/// The golden file of a sample: the head on the first line, the body on the second.
fn golden(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    folder.join(format!("{name}.jsonl"))
}

#[test]
fn golden_files_are_written_and_read_as_ever() {
    for (name, op) in samples().into_iter().chain(changes()).chain(arrivals()) {
        let path = golden(name);
        let stored = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = stored.split(|byte| *byte == b'\n');
        let (head, body) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(decode(&op, head, body), op, "{name} is read");
        let encoded = codec::encode(&op).unwrap();
        assert_eq!(String::from_utf8_lossy(&encoded.head), String::from_utf8_lossy(head), "{name}");
        assert_eq!(String::from_utf8_lossy(&encoded.body), String::from_utf8_lossy(body), "{name}");
    }
}

/// A call in which everything is said, and one in which next to nothing is.
fn calls() -> [(&'static str, ModelCall); 4] {
    let request = CallRequest {
        head: Some(OpId::from_bits((7 << 32) | 3)),
        shown: Some(vec![MessageId::from_bits((7 << 32) | 1)]),
        results_kept: None,
        provider: "local".to_owned(),
        model: "tiny".to_owned(),
        config: Some(Box::new(ConfigPatch::new().with_seed(0))),
        tools: vec![ToolSpec {
            name: "add".to_owned(),
            description: "Adds.".to_owned(),
            parameters: json!({"type": "object"}),
        }],
        tool_choice: ToolChoice::Named("add".to_owned()),
        stream: true,
        choices: 1,
        hash: RequestHash([0xab; 32]),
        adapted: Adapted::new(),
    };
    let usage = Usage { input_tokens: Some(0), cached_tokens: Some(3), ..Usage::default() };
    let full = ModelCall {
        request: request.clone(),
        rerouted: None,
        model: Some("tiny-1".to_owned()),
        finish: Some("stop".to_owned()),
        usage: Some(usage),
        cost_usd: Some(0.25),
        timings: Timings {
            queued: Duration::from_micros(1),
            first: Some(Duration::from_micros(2)),
            total: Duration::from_micros(3),
        },
        retries: 1,
        failure: Some(CallFailure { problem: "cut".to_owned(), detail: "off".to_owned() }),
    };
    let bare = ModelCall {
        request: CallRequest {
            head: None,
            shown: None,
            config: None,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            stream: false,
            ..request
        },
        rerouted: None,
        model: None,
        finish: None,
        usage: None,
        cost_usd: None,
        timings: Timings::default(),
        retries: 0,
        failure: None,
    };
    let usage = Some(Usage { cache_write_tokens: Some(9), ..Usage::default() });
    let adapted = Adapted::from([("thought_left_out".into(), 2)]);
    let request = CallRequest { adapted, choices: 3, ..bare.request.clone() };
    let cached = ModelCall { usage, request, ..bare.clone() };
    let rerouted = Rerouted { provider: "far".to_owned(), model: "large".to_owned() };
    let rerouted = ModelCall { rerouted: Some(rerouted), ..bare.clone() };
    [("call", full), ("call-bare", bare), ("call-cached", cached), ("call-rerouted", rerouted)]
}

#[test]
fn golden_calls_are_written_and_read_as_ever() {
    for (name, call) in calls() {
        let path = golden(name);
        let stored = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let line = stored.strip_suffix(b"\n").unwrap();
        assert_eq!(codec::decode_call(1, line).unwrap(), call, "{name} is read");
        let encoded = codec::encode_call(&call).unwrap();
        assert_eq!(String::from_utf8_lossy(&encoded), String::from_utf8_lossy(line), "{name}");
    }
    for bad in ["{}", "", "{\"request\":{}}"] {
        assert!(codec::decode_call(1, bad.as_bytes()).is_err(), "{bad}");
    }
}

/// A mail of each category.
fn mails() -> Vec<(&'static str, Mail)> {
    let mailed = |body| message(body).kind.as_message().unwrap().clone();
    let edited = Some(OpId::from_bits((7 << 32) | 9));
    let edited = Arc::new(Message { edited, ..mailed(Body::response("Rome.")) });
    let said = Arc::new(mailed(Body::instruction("Where?")));
    let patch = ConfigPatch::new().with_seed(7);
    let packages = [
        ("mail-messages", Package::Messages(vec![said, edited])),
        ("mail-tools", Package::Tools(vec!["add".to_owned(), "look".to_owned()])),
        ("mail-provider", Package::Provider("local".to_owned())),
        ("mail-config", Package::ModelConfig(Box::new(patch))),
        ("mail-text", Package::Text("Rome, \"mostly\".".to_owned())),
        ("mail-data", Package::Data(json!({"b": 1, "a": [null]}))),
        ("mail-null", Package::Data(Value::Null)),
        ("mail-signal", Package::Signal("done".to_owned())),
    ];
    let mail = |package| Mail {
        id: MailId::from_bits(5),
        sender: BranchId::from_bits(6),
        package,
        reply_to: None,
        sent: Timestamp::from_micros(1_764_000_000_000_001),
        expires: Some(Timestamp::from_micros(1_764_000_000_000_009)),
    };
    let mut mails: Vec<_> =
        packages.into_iter().map(|(name, package)| (name, mail(package))).collect();
    let reply_to = Some(MailId::from_bits(4));
    let answer = Mail { reply_to, expires: None, ..mail(Package::Text("Yes.".to_owned())) };
    mails.push(("mail-answer", answer));
    mails
}

#[test]
fn golden_mails_are_written_and_read_as_ever() {
    for (name, mail) in mails() {
        assert_eq!(mail.package.check(), Ok(()), "{name}");
        let stored = fs::read_to_string(golden(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let line = stored.strip_suffix('\n').unwrap();
        let stamp = MailStamp::from(&mail);
        assert_eq!(codec::decode_mail(1, stamp, line.as_bytes()).unwrap(), mail, "{name}");
        let encoded = codec::encode_mail(&mail).unwrap();
        assert_eq!(String::from_utf8_lossy(&encoded), line, "{name}");
    }
    let stamp = MailStamp::from(&mails()[0].1);
    let bad_mails = [
        (1, "{}"),
        (1, ""),
        (1, r#"{"package":{"parcel":"x"}}"#),
        (1, r#"{"package":{"text":"x"},"to":"y"}"#),
        (2, r#"{"package":{"text":"x"}}"#),
    ];
    for (version, bad) in bad_mails {
        assert!(codec::decode_mail(version, stamp, bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn golden_defaults_are_written_and_read_as_ever() {
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    config.stop = Some(vec!["\n".to_owned()]);
    config.extras.insert("top_k".to_owned(), json!(40));
    let full = Defaults::new().with_config(config).with_system("Be brief.");
    for (name, defaults) in [("defaults", full), ("defaults-none", Defaults::new())] {
        let stored = fs::read_to_string(golden(name)).unwrap();
        assert_eq!(codec::decode_defaults(1, stored.trim_end().as_bytes()).unwrap(), defaults);
        let encoded = codec::encode_defaults(&defaults).unwrap();
        assert_eq!(String::from_utf8(encoded).unwrap(), stored.trim_end(), "{name}");
    }
    for (version, bad) in [(1, "{\"sytem\":\"x\"}"), (1, ""), (2, "{}")] {
        assert!(codec::decode_defaults(version, bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn an_unknown_version_field_or_kind_is_refused() {
    let op = message(Body::response("x"));
    let Op { id, parent, at, standing, .. } = op;
    let place = OpPlace { id, parent, at, standing };
    let body = br#"{"response":{"parts":[]}}"#;
    let head = br#"{"kind":{"message":{"sender":"assistant"}}}"#;
    assert!(codec::decode(1, place, head, body).is_ok());
    assert!(codec::decode(2, place, head, body).is_err());
    let bad_heads: [&[u8]; 5] = [
        b"",
        b"{}",
        br#"{"kind":{"message":{"sender":"a","new":1}}}"#,
        br#"{"kind":{"teleport":{}}}"#,
        br#"{"kind":{"message":{"sender":"a","status":"odd"}}}"#,
    ];
    for head in bad_heads {
        assert!(codec::decode(1, place, head, body).is_err(), "{}", String::from_utf8_lossy(head));
    }
    for body in [&b"{}"[..], b"[]", br#"{"response":{"parts":[{"smell":"rose"}]}}"#] {
        assert!(codec::decode(1, place, head, body).is_err(), "{}", String::from_utf8_lossy(body));
    }
}

/// A value of that many levels.
fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| json!([inner]))
}

#[test]
fn what_a_model_says_is_kept_only_as_deep_as_it_can_be_read_again() {
    for levels in [JSON_DEPTH_MAX, JSON_DEPTH_MAX + 1, 125] {
        let native = || Native::new("p", "m", nested(levels));
        let events = [
            ProviderEvent::Reasoning("hm".to_owned()),
            ProviderEvent::ReasoningDetail(nested(levels)),
            ProviderEvent::Native(native()),
            ProviderEvent::ReasoningEnded { native: Some(native()) },
            ProviderEvent::Text("so".to_owned()),
        ];
        let mut answer = Answer::default();
        for event in events {
            answer.push(event);
        }
        let op = message(answer.body());
        let encoded = codec::encode(&op).unwrap();
        assert_eq!(decode(&op, &encoded.head, &encoded.body), op, "{levels}");
        let is_kept = format!("{op:?}").contains("Array [Array [Array [");
        assert_eq!(is_kept, levels == JSON_DEPTH_MAX, "{levels}");
    }
}

#[test]
fn a_message_that_could_not_be_read_again_is_refused() {
    let native = |levels| Part::Native(Native::new("p", "m", nested(levels)));
    let detail = |levels| Part::Reasoning { text: String::new(), detail: Some(nested(levels)) };
    let bodies = |levels| {
        let parts = [Part::Data(nested(levels)), native(levels), detail(levels)];
        let mut bodies = parts.map(|part| Body::Response { parts: vec![part] }).to_vec();
        let (call, function) = (CallId::new("c1"), "look".to_owned());
        let outcome = Outcome::Succeeded(nested(levels));
        bodies.push(Body::ActionResponse { call, function, outcome });
        bodies
    };
    for body in bodies(JSON_DEPTH_MAX) {
        assert_eq!(Draft::new(body.clone()).check(), Ok(()));
        let op = message(body);
        let encoded = codec::encode(&op).unwrap();
        assert_eq!(decode(&op, &encoded.head, &encoded.body), op);
    }
    for body in bodies(JSON_DEPTH_MAX + 1) {
        let refused = Draft::new(body).check();
        assert_eq!(refused, Err(DraftError::TooDeep { max: JSON_DEPTH_MAX }));
    }
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(text: String, sender in "[^\u{0}-\u{1f}]{1,20}") {
        let op = with_message(message(Body::response(text)), |message| message.sender = sender);
        let encoded = codec::encode(&op).unwrap();
        prop_assert_eq!(decode(&op, &encoded.head, &encoded.body), op);
    }
}
