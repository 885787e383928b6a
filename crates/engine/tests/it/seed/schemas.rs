//! Section 3.6: what a model is told of the arguments of a tool.

use branchwork::{
    Error,
    core::message::Outcome,
    tools::{FunctionTool, RegisterError, ToolError, ToolSpec, schemars::JsonSchema},
};
use branchwork_testkit::Script;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::support::{add, multiply, nul, once, outcomes};
use crate::support::session;

#[tokio::test]
async fn s134_and_s137_descriptions_come_from_comments_and_defaults_are_optional() {
    let main = session([]).await.0.default_branch();
    main.register(add()).unwrap();
    main.register(nul()).unwrap();
    let specs: Vec<ToolSpec> = main.tools().specs().cloned().collect();
    let expected = json!({
        "type": "object",
        "description": "Two numbers.",
        "properties": {
            "a": { "type": "integer", "format": "int64", "description": "The first number." },
            "b": {
                "type": "integer",
                "format": "int64",
                "default": 1,
                "description": "The second number; 1 when left out."
            },
        },
        "required": ["a"],
    });
    assert_eq!(
        (specs[0].description.as_str(), &specs[0].parameters),
        ("Adds two numbers.", &expected)
    );
    assert_eq!(specs[1].parameters["properties"], Value::Object(Map::new()));
}

/// Every kind of argument.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Wish {
    /// How many people.
    people: u32,
    days: Vec<i64>,
    unit: Unit,
    place: Place,
    note: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Celsius,
    Fahrenheit,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Place {
    Name(String),
    Point { north: f64, east: f64 },
}

fn plan() -> FunctionTool {
    FunctionTool::new("plan", "Plans.", async |wish: Wish| Ok::<_, ToolError>(wish))
}

#[tokio::test]
async fn s137_lists_choices_unions_whole_numbers_and_what_may_be_left_out_are_told() {
    let main = session([]).await.0.default_branch();
    main.register(plan()).unwrap();
    let expected = json!({
        "type": "object",
        "description": "Every kind of argument.",
        "properties": {
            "people": {
                "type": "integer",
                "format": "uint32",
                "minimum": 0,
                "description": "How many people."
            },
            "days": { "type": "array", "items": { "type": "integer", "format": "int64" } },
            "unit": { "type": "string", "enum": ["celsius", "fahrenheit"] },
            "place": {
                "anyOf": [
                    { "type": "string" },
                    {
                        "type": "object",
                        "properties": {
                            "north": { "type": "number", "format": "double" },
                            "east": { "type": "number", "format": "double" }
                        },
                        "required": ["north", "east"]
                    }
                ]
            },
            "note": { "type": ["string", "null"] }
        },
        "required": ["people", "days", "unit", "place"]
    });
    let specs: Vec<ToolSpec> = main.tools().specs().cloned().collect();
    assert_eq!(specs[0].parameters, expected);
}

#[tokio::test]
async fn s137_arguments_of_every_kind_arrive_and_those_that_do_not_fit_are_named() {
    let good = json!({ "people": 2, "days": [1, -2], "unit": "celsius", "place": "Rome" });
    let mut other = good.clone();
    other["place"] = json!({ "north": 41.9, "east": 12.5 });
    other["note"] = json!("warm");
    let with = |field: &str, value: Value| {
        let mut changed = good.clone();
        changed[field] = value;
        changed
    };
    let bad = [
        (with("people", json!(1.5)), "/people"),
        (with("people", json!(-1)), "/people"),
        (with("days", json!(["1"])), "/days/0"),
        (with("unit", json!("kelvin")), "/unit"),
        (with("place", json!({ "north": 1 })), "/place"),
    ];
    let all = [&good, &other].into_iter().chain(bad.iter().map(|(arguments, _)| arguments));
    let scripts: Vec<_> =
        all.map(|arguments| Script::calls([("c", "plan", &*arguments.to_string())])).collect();
    let main = session(scripts).await.0.default_branch();
    main.register(plan()).unwrap();
    let ask = async || {
        outcomes(&main.chat("q").with_tools("plan").with_limits(once()).await.unwrap()).remove(0).1
    };
    assert_eq!(ask().await, Outcome::Succeeded(with("note", Value::Null)));
    assert_eq!(ask().await, Outcome::Succeeded(other));
    for (arguments, place) in &bad {
        let outcome = ask().await;
        let Outcome::Failed(problem) = outcome else { panic!("{arguments}: {outcome:?}") };
        let begins = format!("the arguments do not fit the schema: {place}: ");
        assert!(problem.starts_with(&begins), "{arguments}: {problem}");
    }
}

#[tokio::test]
async fn s075_a_plain_function_is_a_tool_and_a_bad_schema_is_refused() {
    let main = session([]).await.0.default_branch();
    main.register(multiply()).unwrap();
    let with = |name: &str, parameters| {
        let (name, description) = (name.to_owned(), String::new());
        let spec = ToolSpec { name, description, parameters };
        FunctionTool::dynamic(spec, async |arguments, _| Ok(arguments))
    };
    let refused = |tool| match main.register(tool).unwrap_err() {
        Error::Register(error) => error,
        other => panic!("{other:?}"),
    };
    let object = json!({ "type": "object" });
    for name in ["", "a b", "ä", &"x".repeat(65)] {
        let error = refused(with(name, object.clone()));
        assert_eq!(error, RegisterError::BadName { name: name.to_owned() });
    }
    for schema in
        [json!({}), json!({ "type": "string" }), json!({ "type": "object", "properties": 1 })]
    {
        assert!(matches!(refused(with("x", schema)), RegisterError::BadSchema { .. }));
    }
    main.register(with("echo", object)).unwrap();
    assert_eq!(main.tools().names().collect::<Vec<_>>(), ["echo", "multiply"]);
}
