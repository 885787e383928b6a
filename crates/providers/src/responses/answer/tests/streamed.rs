//! Streams, and what servers leave out of them or say twice; made by hand.

use serde_json::{Value, json};

use super::{added, call, check, check_all, completed, delta, done, message, text, thought};

fn summary(index: u32, part: u32, text: &str) -> Value {
    let mut event = delta("reasoning_summary_text", index, text);
    event["summary_index"] = json!(part);
    event
}

#[test]
fn a_stream_as_the_protocol_has_it_becomes_thoughts_text_and_calls_in_order() {
    let item = |kind: &str| json!({ "type": kind });
    let events = [
        json!({ "type": "response.created", "sequence_number": 0, "response": { "id": "resp_1" } }),
        added(0, &item("reasoning")),
        json!({ "type": "response.reasoning_summary_part.added", "output_index": 0 }),
        summary(0, 0, "a"),
        summary(0, 0, "b"),
        summary(0, 1, "c"),
        json!({ "type": "response.reasoning_summary_text.done", "text": "ab" }),
        done(0, &thought("ab\n\nc", "seal")),
        added(1, &item("message")),
        json!({ "type": "response.content_part.added", "output_index": 1 }),
        text(1, "I "),
        text(1, "look"),
        json!({ "type": "response.output_text.done", "output_index": 1, "text": "I look" }),
        done(1, &message("I look")),
        added(2, &call("c1", "")),
        delta("function_call_arguments", 2, "{\"n\":"),
        delta("function_call_arguments", 2, "1}"),
        json!({ "type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{\"n\":1}" }),
        done(2, &call("c1", "{\"n\":1}")),
        json!({ "type": "response.completed", "response": {
            "id": "resp_1", "status": "completed",
            "output": [thought("ab\n\nc", "seal"), message("I look"), call("c1", "{\"n\":1}")],
            "usage": {
                "input_tokens": 9, "output_tokens": 5,
                "input_tokens_details": { "cached_tokens": 4 },
                "output_tokens_details": { "reasoning_tokens": 2 },
            },
        } }),
    ];
    let expected = r#"
started None Some("resp_1")
thought a|b|

|c
thought ended {"encrypted_content":"seal","id":"rs_1","summary":[{"text":"ab\n\nc","type":"summary_text"}],"type":"reasoning"}
text I |look
call 0 c1 look
arguments 0 {"n":
arguments 0 1}
usage 9 5 4 2
finished tool_calls"#;
    check_all(&events, expected);
}

#[test]
fn what_came_in_pieces_is_told_once_whatever_is_left_out() {
    let expected = "text Rome\nfinished stop";
    let said = || text(0, "Rome");
    let all = json!({ "type": "response.output_text.done", "output_index": 0, "text": "Rome" });
    let item = added(0, &json!({ "type": "message" }));
    check(&[item.clone(), said(), all.clone(), done(0, &message("Rome"))], expected);
    // No beginning, no pieces, no end of the item, or the whole answer alone.
    check(&[said(), done(0, &message("Rome"))], expected);
    check(&[item.clone(), all.clone()], expected);
    check(&[all], expected);
    check(&[done(0, &message("Rome"))], expected);
    check_all(&[completed(&json!([message("Rome")]))], expected);
    check_all(&[item, said(), completed(&json!([message("Rome")]))], expected);
    // A piece that was lost is told at the end.
    check(&[text(0, "Ro"), done(0, &message("Rome"))], "text Ro|me\nfinished stop");
    check(&[said(), done(0, &message("Rome")), done(0, &message("Rome"))], expected);
}

#[test]
fn calls_are_told_apart_whatever_servers_leave_out() {
    let two = concat!(
        "call 0 a look\narguments 0 {\"n\":1}\n",
        "call 1 b look\narguments 1 {\"n\":2}\nfinished tool_calls",
    );
    let (first, second) = (call("a", "{\"n\":1}"), call("b", "{\"n\":2}"));
    check(&[done(0, &first), done(1, &second)], two);
    check_all(&[completed(&json!([first, second]))], two);
    // Without an index, by the identifiers of the items; without both, one after the other.
    let item = |id: &str, arguments: &str| {
        let mut item = call(id, arguments);
        item["id"] = json!(format!("fc_{id}"));
        item
    };
    let plain = |kind: &str, item: Value| json!({ "type": kind, "item": item });
    let piece = |id: &str, text: &str| json!({ "type": "response.function_call_arguments.delta", "item_id": id, "delta": text });
    let (begun, over) = ("response.output_item.added", "response.output_item.done");
    check(
        &[
            plain(begun, item("a", "")),
            plain(begun, item("b", "")),
            piece("fc_a", "{\"n\":1}"),
            piece("fc_b", "{\"n\":2}"),
            plain(over, item("a", "{\"n\":1}")),
            plain(over, item("b", "{\"n\":2}")),
        ],
        &two.replace(
            "arguments 0 {\"n\":1}\ncall 1 b look",
            "call 1 b look\narguments 0 {\"n\":1}",
        ),
    );
    check(
        &[
            plain(begun, call("a", "")),
            piece("", "{\"n\":1}"),
            plain(over, call("a", "{\"n\":1}")),
            plain(begun, call("b", "")),
            piece("", "{\"n\":2}"),
            plain(over, call("b", "{\"n\":2}")),
        ],
        two,
    );
    check(
        &[
            plain(begun, item("a", "")),
            plain(begun, item("a", "")),
            piece("fc_a", "{}"),
            plain(over, item("a", "{}")),
        ],
        "call 0 a look\narguments 0 {}\nfinished tool_calls",
    );
    // Arguments as an object, no identifier, no arguments at all.
    let bare = json!({ "type": "function_call", "name": "look", "arguments": { "n": 1 } });
    check(&[done(0, &bare)], "call 0 call_3_0 look\narguments 0 {\"n\":1}\nfinished tool_calls");
    let none = json!({ "type": "function_call", "name": "look", "call_id": "a" });
    check(&[done(0, &none)], "call 0 a look\nfinished tool_calls");
}

/// Proxies give an item another identifier in every event.
#[test]
fn items_are_told_apart_by_their_place_where_identifiers_change() {
    let piece = |index: u32, id: &str, text: &str| json!({ "type": "response.output_text.delta", "output_index": index, "item_id": id, "delta": text });
    let mut item = message("Rome it is");
    item["id"] = json!("z");
    check(
        &[
            added(0, &json!({ "type": "message", "id": "x" })),
            piece(0, "y", "Rome "),
            piece(0, "w", "it is"),
            done(0, &item),
        ],
        "text Rome |it is\nfinished stop",
    );
}

#[test]
fn thoughts_without_a_seal_are_kept_when_they_are_told_in_full() {
    let open = json!({
        "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "",
        "content": [{ "type": "reasoning_text", "text": "hm" }],
    });
    let ended = format!("thought ended {open}");
    check(
        &[delta("reasoning_text", 0, "hm"), done(0, &open)],
        &format!("thought hm\n{ended}\nfinished stop"),
    );
    check(&[done(0, &open)], &format!("thought hm\n{ended}\nfinished stop"));
    // Nothing of these can be sent back; the place of a hidden one is kept.
    let told =
        json!({ "type": "reasoning", "summary": [{ "text": "hm" }], "encrypted_content": null });
    check(&[done(0, &told)], "thought hm\nthought ended \nfinished stop");
    check(
        &[done(0, &json!({ "type": "reasoning", "id": "rs_1" }))],
        "thought ended \nfinished stop",
    );
}

/// llama.cpp says that a thought is done when the text after it is; some servers seal it at the end only.
#[test]
fn what_goes_back_with_a_thought_may_come_late() {
    let sealed = thought("hm", "seal");
    let detail = json!({ "protocol": "responses", "model": "thinker", "block": sealed });
    let late = format!("thought hm\nthought ended \ntext Rome\ndetail {detail}\nfinished stop");
    check(&[summary(0, 0, "hm"), text(1, "Rome"), done(0, &sealed)], &late);
    let mut bare = sealed.clone();
    bare["encrypted_content"] = Value::Null;
    let events =
        [done(0, &bare), done(1, &message("Rome")), completed(&json!([sealed, message("Rome")]))];
    check_all(&events, &late);
}

#[test]
fn items_of_tools_that_the_server_ran_and_unknown_ones_are_kept_in_place() {
    let search = json!({ "type": "web_search_call", "id": "ws_1", "status": "completed",
        "action": { "type": "search", "query": "a \"b\" é" } });
    let odd = json!({ "type": "hologram", "data": [1, 2.5, null] });
    check(
        &[
            text(0, "a"),
            added(1, &search),
            json!({ "type": "response.web_search_call.searching", "output_index": 1 }),
            done(1, &search),
            text(2, "b"),
            done(3, &odd),
        ],
        &format!("text a\nnative {search}\ntext b\nnative {odd}\nfinished stop"),
    );
}

#[test]
fn what_a_message_says_beside_its_text_is_kept_after_it() {
    let cited = json!([{ "type": "url_citation", "url": "https://example.com", "end_index": 1 }]);
    let mut first = message("a");
    first["phase"] = json!("commentary");
    let mut second = message("b");
    second["content"][0]["annotations"] = cited.clone();
    let notes = [
        json!({ "type": "message", "phase": "commentary" }),
        json!({ "type": "message", "annotations": cited }),
    ];
    check(
        &[text(0, "a"), done(0, &first), done(1, &second)],
        &format!("text a\nnative {}\ntext b\nnative {}\nfinished stop", notes[0], notes[1]),
    );
    // Two messages stay two, also when there is nothing to say of the first.
    check(
        &[done(0, &message("a")), done(1, &message("b"))],
        "text a\nnative {\"type\":\"message\"}\ntext b\nfinished stop",
    );
}

#[test]
fn refusals_are_text_and_log_probabilities_are_told_once() {
    let refusal =
        json!({ "type": "message", "content": [{ "type": "refusal", "refusal": "No." }] });
    check(&[delta("refusal", 0, "No."), done(0, &refusal)], "text No.\nfinished stop");
    check(&[done(0, &refusal)], "text No.\nfinished stop");
    let logprobs = json!([{ "token": "a", "logprob": -0.5 }]);
    let mut piece = text(0, "a");
    piece["logprobs"] = logprobs.clone();
    let mut item = message("a");
    item["content"][0]["logprobs"] = logprobs.clone();
    check(&[piece, done(0, &item)], &format!("text a\nlogprobs {logprobs}\nfinished stop"));
    check(&[done(0, &item)], &format!("text a\nlogprobs {logprobs}\nfinished stop"));
}
