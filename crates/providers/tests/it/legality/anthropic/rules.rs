//! The rules, as the documentation and the errors of the API say them.

use std::collections::BTreeSet;

use serde_json::Value;

/// A message of the protocol.
struct Sent<'a> {
    role: &'a str,
    blocks: &'a [Value],
}

/// A request as it is sent.
pub(super) struct Request<'a> {
    body: &'a Value,
    messages: Vec<Sent<'a>>,
}

/// A rule, and whether a request keeps it.
type Rule = (&'static str, fn(&Request<'_>) -> bool);

const RULES: [Rule; 16] = [
    ("max_tokens: Field required", has_max_tokens),
    ("messages: at least one message is required", |request| !request.messages.is_empty()),
    ("messages must have non-empty content", has_content),
    ("first message must use the \"user\" role", |request| request.begins_with_user()),
    ("the roles take turns", takes_turns),
    ("The conversation must end with a user message", ends_with_user),
    ("text content blocks must contain non-whitespace text", has_no_blank_text),
    ("blocks stand with the role that may say them", has_blocks_of_their_role),
    ("tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", has_legal_ids),
    ("`tool_use` ids must be unique", has_unique_ids),
    ("tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", has_legal_names),
    ("tool_use.input: Input should be a valid dictionary", has_objects_as_input),
    ("`tool_use` ids were found without `tool_result` blocks immediately after", has_results),
    ("a text behind the last call is a prefill", has_no_text_behind_calls),
    ("A maximum of 4 blocks with cache_control may be provided", has_few_breakpoints),
    ("Requests which include `tool_use` or `tool_result` blocks must define tools", defines_tools),
];

/// Rules of blocks that a server made.
const SERVER_RULES: [Rule; 4] = [
    ("Invalid `signature` in `thinking` block", has_own_thoughts_only),
    ("The final block in an assistant message cannot be `thinking`", ends_with_no_thought),
    ("`server_tool_use` blocks have their result, and results their call", pairs_server_tools),
    ("blocks of other protocols are not sent", |request| {
        request.blocks().all(|(_, block)| kind(block) != "unheard_of")
    }),
];

impl<'a> Request<'a> {
    pub(super) fn read(body: &'a Value) -> Self {
        let messages = body["messages"].as_array().expect("a list").iter().map(|message| Sent {
            role: message["role"].as_str().expect("a role"),
            blocks: message["content"].as_array().expect("a list"),
        });
        Self { body, messages: messages.collect() }
    }

    /// The rules it breaks.
    pub(super) fn breaches(&self) -> Vec<&'static str> {
        let rules = RULES.iter().chain(&SERVER_RULES);
        rules.filter(|(_, is_kept)| !is_kept(self)).map(|(name, _)| *name).collect()
    }

    fn blocks(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.messages.iter().flat_map(|sent| sent.blocks.iter().map(|block| (sent.role, block)))
    }

    fn calls(&self) -> impl Iterator<Item = &'a Value> {
        self.blocks().map(|(_, block)| block).filter(|block| kind(block) == "tool_use")
    }

    fn begins_with_user(&self) -> bool {
        self.messages.first().is_some_and(|sent| sent.role == "user")
    }
}

fn kind(block: &Value) -> &str {
    block["type"].as_str().unwrap_or_default()
}

fn text<'a>(block: &'a Value, name: &str) -> &'a str {
    block[name].as_str().unwrap_or_default()
}

fn is_thought(block: &Value) -> bool {
    matches!(kind(block), "thinking" | "redacted_thinking")
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn has_max_tokens(request: &Request<'_>) -> bool {
    request.body["max_tokens"].as_u64().is_some_and(|tokens| tokens >= 1)
}

fn has_content(request: &Request<'_>) -> bool {
    request.messages.iter().all(|sent| !sent.blocks.is_empty())
}

fn takes_turns(request: &Request<'_>) -> bool {
    request.messages.windows(2).all(|pair| pair[0].role != pair[1].role)
}

/// But for an answer that the server goes on with: it ends with a call of the server's.
fn ends_with_user(request: &Request<'_>) -> bool {
    request.messages.last().is_some_and(|sent| {
        sent.role == "user"
            || sent.blocks.last().is_some_and(|block| kind(block) == "server_tool_use")
    })
}

fn has_no_blank_text(request: &Request<'_>) -> bool {
    let system = request.body["system"].as_array().into_iter().flatten();
    let texts = request.blocks().map(|(_, block)| block).chain(system);
    let mut texts = texts.filter(|block| kind(block) == "text");
    let is_said = |block: &Value| !text(block, "text").trim().is_empty();
    texts.all(is_said)
        && request.blocks().all(|(_, block)| {
            kind(block) != "tool_result"
                || block.get("content").is_none_or(|content| {
                    content.as_str().is_some_and(|content| !content.trim().is_empty())
                })
        })
}

fn has_blocks_of_their_role(request: &Request<'_>) -> bool {
    request.blocks().all(|(role, block)| match kind(block) {
        "" => false,
        "text" => true,
        "image" | "document" | "tool_result" => role == "user",
        _ => role == "assistant",
    })
}

fn has_legal_ids(request: &Request<'_>) -> bool {
    request
        .calls()
        .map(|call| text(call, "id"))
        .all(|id| !id.is_empty() && id.chars().all(is_letter))
}

fn has_unique_ids(request: &Request<'_>) -> bool {
    let mut ids = BTreeSet::new();
    request.calls().all(|call| ids.insert(text(call, "id")))
}

fn has_legal_names(request: &Request<'_>) -> bool {
    request
        .calls()
        .map(|call| text(call, "name"))
        .all(|name| (1..=128).contains(&name.len()) && name.chars().all(is_letter))
}

fn has_objects_as_input(request: &Request<'_>) -> bool {
    request.calls().all(|call| call["input"].is_object())
}

/// The results of the calls of a message are the first blocks of the next one, one for each call; there
/// are no others.
fn has_results(request: &Request<'_>) -> bool {
    let mut asked = Vec::new();
    request.messages.iter().all(|sent| {
        let is_result = |block: &&Value| kind(block) == "tool_result";
        let leading = sent.blocks.iter().take_while(is_result);
        let mut told: Vec<_> = leading.map(|block| text(block, "tool_use_id")).collect();
        let count = sent.blocks.iter().filter(is_result).count();
        let is_whole = count == told.len() && {
            told.sort_unstable();
            asked.sort_unstable();
            told == asked
        };
        let calls = sent.blocks.iter().filter(|block| kind(block) == "tool_use");
        asked = calls.map(|call| text(call, "id")).collect();
        is_whole
    }) && asked.is_empty()
}

fn has_no_text_behind_calls(request: &Request<'_>) -> bool {
    request.messages.iter().all(|sent| {
        let last = sent.blocks.iter().rposition(|block| kind(block) == "tool_use");
        last.is_none_or(|last| sent.blocks[last..].iter().all(|block| kind(block) != "text"))
    })
}

fn breakpoints(value: &Value) -> usize {
    match value {
        Value::Object(fields) => {
            let own = usize::from(fields.contains_key("cache_control"));
            own + fields.values().map(breakpoints).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(breakpoints).sum(),
        _ => 0,
    }
}

/// And thoughts cannot be one.
fn has_few_breakpoints(request: &Request<'_>) -> bool {
    breakpoints(request.body) <= 4
        && request.blocks().all(|(_, block)| !is_thought(block) || breakpoints(block) == 0)
}

fn defines_tools(request: &Request<'_>) -> bool {
    let has_tools = request.body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    has_tools || request.calls().next().is_none()
}

/// Those of the server that is asked are known by their signature.
fn has_own_thoughts_only(request: &Request<'_>) -> bool {
    request.blocks().all(|(_, block)| match kind(block) {
        "thinking" => text(block, "signature") == SIGNATURE,
        "redacted_thinking" => text(block, "data") == SIGNATURE,
        _ => true,
    })
}

fn ends_with_no_thought(request: &Request<'_>) -> bool {
    request.messages.iter().all(|sent| !sent.blocks.last().is_some_and(is_thought))
}

/// But for a call that ends the conversation: the server runs it.
fn pairs_server_tools(request: &Request<'_>) -> bool {
    let mut open = None;
    let count = request.messages.len();
    request.messages.iter().zip(1..).all(|(sent, number)| {
        let is_paired = sent.blocks.iter().all(|block| match kind(block) {
            "server_tool_use" => open.replace(text(block, "id")).is_none(),
            "web_search_tool_result" => open.take() == Some(text(block, "tool_use_id")),
            _ => true,
        });
        let ends_with_call = number == count
            && sent.blocks.last().is_some_and(|block| kind(block) == "server_tool_use");
        is_paired && (ends_with_call || open.take().is_none())
    })
}

/// What the server that is asked signs its thoughts with.
pub(super) const SIGNATURE: &str = "own";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A request that keeps every rule.
    fn good() -> Value {
        let hi = json!({ "type": "text", "text": "hi" });
        let call = json!({ "type": "tool_use", "id": "c1", "name": "look", "input": {} });
        let result = json!({ "type": "tool_result", "tool_use_id": "c1", "content": "18" });
        json!({
            "max_tokens": 1, "tools": [{ "name": "look" }], "cache_control": {},
            "messages": [
                { "role": "user", "content": [hi] },
                { "role": "assistant", "content": [hi, call] },
                { "role": "user", "content": [result, hi] },
            ],
        })
    }

    /// Checks that the good request breaks a rule when it has `value` at `place`.
    fn check(place: &str, value: Value, rule: &str) {
        let mut body = good();
        *body.pointer_mut(place).expect("it is there") = value;
        let breaches = Request::read(&body).breaches();
        assert!(breaches.iter().any(|breach| breach.contains(rule)), "{rule}: {breaches:?}");
    }

    #[test]
    fn each_breach_of_a_rule_is_seen() {
        assert_eq!(Request::read(&good()).breaches(), [""; 0]);
        let content =
            |message: usize, block: usize| good()["messages"][message]["content"][block].clone();
        let (hi, call, result) = (content(1, 0), content(1, 1), content(2, 0));
        check("/max_tokens", json!(null), "max_tokens: Field required");
        check("/messages", json!([]), "at least one message");
        check("/messages/0/content", json!([]), "non-empty content");
        check("/messages/0/role", json!("assistant"), "first message");
        check("/messages/0/role", json!("assistant"), "take turns");
        check("/messages/2/role", json!("assistant"), "end with a user message");
        check("/messages/0/content/0/text", json!(" \n"), "non-whitespace");
        check("/messages/2/content/0/content", json!(""), "non-whitespace");
        check("/messages/0/content/0/type", json!("thinking"), "the role that may say them");
        check("/messages/1/content/1/id", json!("a.b"), "tool_use.id");
        check("/messages/1/content/0", call.clone(), "unique");
        check("/messages/1/content/1/name", json!("a.b"), "tool_use.name");
        check("/messages/1/content/1/input", json!("{}"), "valid dictionary");
        check("/messages/2/content", json!([hi, result]), "without `tool_result`");
        check("/messages/1/content", json!([call, hi]), "prefill");
        check("/tools", json!([]), "must define tools");
        check("/tools", json!(vec![json!({ "cache_control": {} }); 4]), "A maximum of 4");
    }

    #[test]
    fn each_breach_of_a_rule_of_servers_is_seen() {
        let thought = json!({ "type": "thinking", "signature": "another" });
        check("/messages/1/content/0", thought.clone(), "Invalid `signature`");
        check("/messages/1/content", json!([thought]), "cannot be `thinking`");
        let search = json!({ "type": "server_tool_use", "id": "s1" });
        check("/messages/1/content/0", search, "have their result");
        let found = json!({ "type": "web_search_tool_result", "tool_use_id": "s1" });
        check("/messages/1/content/0", found, "have their result");
        let foreign = json!({ "type": "unheard_of" });
        check("/messages/1/content/0", foreign, "blocks of other protocols");
    }
}
