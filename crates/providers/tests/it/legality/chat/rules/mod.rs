//! The rules, as the documentation and the errors of servers say them.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A server, as far as it is stricter than others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    /// Its preset.
    pub(super) name: &'static str,
    /// Whether it takes the identifier of a call.
    takes_id: fn(&str) -> bool,
    /// The fields in which it takes thoughts.
    pub(super) thoughts: &'static [&'static str],
    /// Whether calls without a thought are refused.
    wants_thoughts: bool,
    /// Whether results are followed by an answer before the user speaks again.
    wants_answer: bool,
}

const fn short(id: &str) -> bool {
    id.len() <= 40
}

const fn any(_: &str) -> bool {
    true
}

fn nine(id: &str) -> bool {
    id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const LAX: Server = Server {
    name: "lmstudio",
    takes_id: any,
    thoughts: &[],
    wants_thoughts: false,
    wants_answer: false,
};

/// One for each way in which servers differ.
pub(super) const SERVERS: [Server; 7] = [
    LAX,
    Server { name: "openai", takes_id: short, ..LAX },
    Server {
        name: "openrouter",
        takes_id: short,
        thoughts: &["reasoning", "reasoning_details"],
        ..LAX
    },
    Server { name: "mistral", takes_id: nine, wants_answer: true, ..LAX },
    Server { name: "deepseek", thoughts: &["reasoning_content"], wants_thoughts: true, ..LAX },
    Server { name: "vllm", thoughts: &["reasoning"], ..LAX },
    Server { name: "llamacpp", thoughts: &["reasoning_content"], wants_thoughts: true, ..LAX },
];

/// A request as it is sent to a server.
pub(super) struct Request<'a> {
    server: Server,
    body: &'a Value,
    messages: &'a [Value],
}

/// A rule, and whether a request keeps it.
type Rule = (&'static str, fn(&Request<'_>) -> bool);

const RULES: [Rule; 17] = [
    ("messages: a list with one message at least", |request| !request.messages.is_empty()),
    ("'x' is not one of ['system', 'assistant', 'user', 'tool', 'developer']", has_known_roles),
    ("Additional properties are not allowed", has_known_fields),
    ("content of a user is a string or a list with one part at least", has_user_content),
    ("content of a system message is a string", has_system_content),
    ("an answer has content or calls, and no empty content", has_answers_that_say_something),
    ("tool_calls: [] is too short, and each is a function", has_functions_as_calls),
    ("tool_calls.id: string too long, or of another form", has_ids_of_the_server),
    ("tool_calls.id: each once in an answer", has_unique_ids),
    ("function.name: string does not match pattern '^[a-zA-Z0-9_-]{1,64}$'", has_legal_names),
    ("function.arguments: text that templates can parse", has_json_as_arguments),
    ("'tool_calls' must be followed by tool messages responding to each", has_results),
    ("messages with role 'tool' must be a response to a preceding message", has_no_lone_results),
    ("The `reasoning_content` in the thinking mode must be passed back", has_thoughts_with_calls),
    ("Unexpected role 'user' after role 'tool'", has_answers_after_results),
    ("'stream_options' is only allowed when 'stream' is enabled", has_options_of_streams_only),
    ("'tool_choice' is only allowed when 'tools' are specified", has_choice_with_tools_only),
];

impl<'a> Request<'a> {
    pub(super) fn read(server: Server, body: &'a Value) -> Self {
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        Self { server, body, messages }
    }

    /// The rules it breaks.
    pub(super) fn breaches(&self) -> Vec<&'static str> {
        RULES.iter().filter(|(_, is_kept)| !is_kept(self)).map(|(name, _)| *name).collect()
    }

    fn said_by(&self, role: &'static str) -> impl Iterator<Item = &'a Value> {
        self.messages.iter().filter(move |message| message["role"] == role)
    }

    fn calls(&self) -> impl Iterator<Item = &'a Value> {
        self.messages.iter().flat_map(calls_of)
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn calls_of(message: &Value) -> &[Value] {
    message["tool_calls"].as_array().map_or(&[], Vec::as_slice)
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

fn has_known_roles(request: &Request<'_>) -> bool {
    let known = ["system", "developer", "user", "assistant", "tool"];
    request.messages.iter().all(|message| known.contains(&text(message, "role")))
}

fn has_known_fields(request: &Request<'_>) -> bool {
    request.messages.iter().all(|message| {
        let own: &[&str] = match text(message, "role") {
            "assistant" => &["tool_calls"],
            "tool" => &["tool_call_id"],
            _ => &[],
        };
        let thoughts =
            if text(message, "role") == "assistant" { request.server.thoughts } else { &[] };
        let is_known = |field: &str| {
            ["role", "content"].contains(&field)
                || own.contains(&field)
                || thoughts.contains(&field)
        };
        keys(message).all(is_known) && message.get("content").is_some()
    })
}

fn has_user_content(request: &Request<'_>) -> bool {
    request.said_by("user").all(|message| match &message["content"] {
        Value::String(_) => true,
        Value::Array(parts) => !parts.is_empty() && parts.iter().all(is_part),
        _ => false,
    })
}

fn is_part(part: &Value) -> bool {
    let holds = |value: &Value, fields: &[&str]| fields.iter().all(|name| value[name].is_string());
    match text(part, "type") {
        "text" => holds(part, &["text"]),
        "image_url" => {
            let image = &part["image_url"];
            let is_level = |level: &Value| ["auto", "low", "high"].iter().any(|name| level == name);
            holds(image, &["url"]) && image.get("detail").is_none_or(is_level)
        }
        "input_audio" => {
            let sound = &part["input_audio"];
            holds(sound, &["data"]) && ["wav", "mp3"].contains(&text(sound, "format"))
        }
        "file" => {
            let file = &part["file"];
            holds(file, &["file_id"]) != holds(file, &["filename", "file_data"])
        }
        _ => false,
    }
}

fn has_system_content(request: &Request<'_>) -> bool {
    let mut said = request.said_by("system").chain(request.said_by("developer"));
    said.all(|message| message["content"].is_string())
}

fn has_answers_that_say_something(request: &Request<'_>) -> bool {
    request.said_by("assistant").all(|message| match &message["content"] {
        Value::String(text) => !text.is_empty(),
        Value::Null => !calls_of(message).is_empty(),
        _ => false,
    })
}

fn has_functions_as_calls(request: &Request<'_>) -> bool {
    let is_empty = |calls: &Value| calls.as_array().is_none_or(Vec::is_empty);
    let is_function = |call: &Value| {
        let fields: BTreeSet<_> = keys(call).collect();
        let function: BTreeSet<_> = keys(&call["function"]).collect();
        fields == BTreeSet::from(["id", "type", "function"])
            && call["type"] == "function"
            && function == BTreeSet::from(["name", "arguments"])
    };
    let mut lists = request.messages.iter().filter_map(|message| message.get("tool_calls"));
    lists.all(|calls| !is_empty(calls)) && request.calls().all(is_function)
}

fn has_ids_of_the_server(request: &Request<'_>) -> bool {
    let is_taken = |id: &str| !id.is_empty() && (request.server.takes_id)(id);
    let mut results = request.said_by("tool").map(|result| text(result, "tool_call_id"));
    request.calls().all(|call| is_taken(text(call, "id"))) && results.all(is_taken)
}

fn has_unique_ids(request: &Request<'_>) -> bool {
    request.messages.iter().map(calls_of).all(|calls| {
        let ids: BTreeSet<_> = calls.iter().map(|call| text(call, "id")).collect();
        ids.len() == calls.len()
    })
}

fn has_legal_names(request: &Request<'_>) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    request
        .calls()
        .map(|call| text(&call["function"], "name"))
        .all(|name| (1..=64).contains(&name.len()) && name.chars().all(is_letter))
}

fn has_json_as_arguments(request: &Request<'_>) -> bool {
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    request.calls().all(|call| call["function"]["arguments"].as_str().is_some_and(is_json))
}

/// The calls of the message before, and the results that follow it at once.
fn groups(messages: &[Value]) -> impl Iterator<Item = (Vec<&str>, Vec<&str>)> {
    messages.iter().enumerate().filter(|(_, message)| message["role"] != "tool").map(
        |(place, message)| {
            let asked = calls_of(message).iter().map(|call| text(call, "id")).collect();
            let after = messages.iter().skip(place + 1);
            let results = after.take_while(|message| message["role"] == "tool");
            (asked, results.map(|result| text(result, "tool_call_id")).collect())
        },
    )
}

fn has_results(request: &Request<'_>) -> bool {
    groups(request.messages).all(|(asked, told)| {
        asked.iter().all(|id| told.iter().filter(|told| told == &id).count() == 1)
    })
}

fn has_no_lone_results(request: &Request<'_>) -> bool {
    let begins_well = request.messages.first().is_none_or(|first| first["role"] != "tool");
    let is_said = |result: &Value| result["content"].is_string();
    begins_well
        && request.said_by("tool").all(is_said)
        && groups(request.messages).all(|(asked, told)| told.iter().all(|id| asked.contains(id)))
}

fn has_thoughts_with_calls(request: &Request<'_>) -> bool {
    let has_thought = |message: &Value| message["reasoning_content"].is_string();
    !request.server.wants_thoughts
        || request
            .messages
            .iter()
            .all(|message| calls_of(message).is_empty() || has_thought(message))
}

fn has_answers_after_results(request: &Request<'_>) -> bool {
    let mut pairs = request.messages.windows(2);
    !request.server.wants_answer
        || pairs.all(|pair| pair[0]["role"] != "tool" || pair[1]["role"] != "user")
}

fn has_options_of_streams_only(request: &Request<'_>) -> bool {
    request.body["stream"].is_boolean()
        && (request.body["stream"] == true || request.body.get("stream_options").is_none())
}

fn has_choice_with_tools_only(request: &Request<'_>) -> bool {
    let has_tools = request.body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    has_tools
        || ["tools", "tool_choice", "parallel_tool_calls"]
            .iter()
            .all(|name| request.body.get(name).is_none())
}
