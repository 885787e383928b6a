//! Filters select what a plain loop would, and keep turn groups whole.

use branchwork_core::{
    clock::Timestamp,
    filter::{Case, Filter, Keyword},
    graph::{Extent, StepWriter, View},
    message::{Body, BodyKind, CallId, Draft, Message, Outcome, Part, Role, Status, ToolCall},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use crate::view::Counter;

/// What a random message is made of: kind, sender, text, status.
type Seed = (u8, &'static str, &'static str, Status);

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let senders = select(vec!["alice", "bob", "system"]);
    let texts = select(vec!["a Café in Rome", "C++ (and 你好)", "instruction", "roman", ""]);
    vec((0..4_u8, senders, texts, select(Status::ALL.to_vec())), 0..24)
}

fn view(seeds: &[Seed]) -> View {
    let ids = Counter::default();
    let mut view = View::default();
    for (second, (kind, sender, text, status)) in seeds.iter().enumerate() {
        let at = Timestamp::from_micros(i64::try_from(second).unwrap() * 1_000_000);
        let tip = view.head();
        let mut step = StepWriter::after(view, tip, &ids, at);
        let body = match kind {
            0 => Body::System { text: (*text).to_owned() },
            1 => Body::Instruction {
                parts: vec![Part::Data(json!({ "task": text }))],
                context: Some(json!({ "where": text })),
            },
            2 => Body::response(*text),
            _ => Body::ActionRequest {
                parts: Vec::new(),
                calls: vec![ToolCall {
                    id: CallId::new("c"),
                    function: "look".to_owned(),
                    arguments: (*text).to_owned(),
                }],
            },
        };
        let draft = Draft::new(body).with_sender(*sender).with_status(*status);
        step.message(draft).unwrap();
        if *kind == 3 {
            let outcome = Outcome::Succeeded(json!([text, 7]));
            step.message(Draft::result(CallId::new("c"), "look", outcome)).unwrap();
        }
        view = step.finish(Extent::Whole).1;
    }
    view
}

/// Whether the text of `message`, all of it, holds `needle` whatever its case.
fn holds(message: &Message, needle: &str) -> bool {
    let mut texts = Vec::new();
    message.body.any_text(&mut |text| {
        texts.push(text.to_lowercase());
        false
    });
    texts.iter().any(|text| text.contains(&needle.to_lowercase()))
}

proptest! {
    #[test]
    fn a_filter_selects_what_a_plain_loop_selects(
        seeds in seeds(),
        role in select(Role::ALL.to_vec()),
        sender in select(vec!["alice", "bob", "nobody"]),
        needle in select(vec!["café", "C++", "(", "7", "look", "where", "你"]),
        (from, to) in (0..24_i64, 0..24_i64),
    ) {
        let view = view(&seeds);
        let time = |second| Timestamp::from_micros(second * 1_000_000);
        let keyword = Keyword::text(needle, Case::Ignored).unwrap();
        let filter = Filter::new()
            .with_role(role)
            .with_role(Role::User)
            .with_sender(sender)
            .with_time(time(from)..time(to))
            .with_keyword(keyword);
        let expected: Vec<_> = view
            .messages()
            .filter(|message| message.role() == role || message.role() == Role::User)
            .filter(|message| message.sender == sender)
            .filter(|message| (time(from)..time(to)).contains(&message.at))
            .filter(|message| holds(message, needle))
            .map(|message| message.id)
            .collect();
        let selected: Vec<_> = view.select(&filter).map(|message| message.id).collect();
        prop_assert_eq!(&selected, &expected);
        // In groups, the same messages and the rest of their groups, in order.
        let groups: Vec<_> = view.select_groups(&filter).map(|message| message.id).collect();
        prop_assert!(expected.iter().all(|id| groups.contains(id)));
        let order: Vec<_> = view.messages().map(|message| message.id).collect();
        prop_assert!(groups.is_sorted_by_key(|id| order.iter().position(|one| one == id)));
        let mut open = 0;
        for message in view.select_groups(&filter) {
            match &message.body {
                Body::ActionRequest { calls, .. } => open += calls.len(),
                Body::ActionResponse { .. } => {
                    prop_assert!(open > 0, "a result without its call");
                    open -= 1;
                }
                _ => prop_assert_eq!(open, 0, "a call without its result"),
            }
        }
        prop_assert_eq!(open, 0);
    }

    #[test]
    fn counts_add_up(seeds in seeds()) {
        let view = view(&seeds);
        let counts = view.counts();
        prop_assert_eq!(counts.total, view.len());
        prop_assert_eq!(counts.by_role.values().sum::<usize>(), view.len());
        prop_assert_eq!(counts.by_kind.values().sum::<usize>(), view.len());
        prop_assert_eq!(counts.by_sender.values().sum::<usize>(), view.len());
    }
}

#[test]
fn every_criterion_counts() {
    let status = |status| ("alice", "x", status);
    let seeds: Vec<Seed> = [status(Status::Complete), status(Status::Failed)]
        .into_iter()
        .map(|(sender, text, status)| (2, sender, text, status))
        .collect();
    let view = view(&seeds);
    let count = |filter: Filter| view.select(&filter).count();
    assert_eq!(count(Filter::new()), 2);
    assert_eq!(count(Filter::new().with_status(Status::Failed)), 1);
    assert_eq!(count(Filter::new().with_kind(BodyKind::Instruction)), 0);
    assert_eq!(count(Filter::new().with_kind(BodyKind::Response)), 2);
    assert_eq!(count(Filter::new().with_recipient("bob")), 0);
    assert_eq!(count(Filter::new().with_metadata("k", json!(1))), 0);
    let second = Timestamp::from_micros(1_000_000);
    assert_eq!(count(Filter::new().with_time(..second)), 1);
    assert_eq!(count(Filter::new().with_time(..=second)), 2);
}
