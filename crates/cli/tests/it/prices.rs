//! Models and what they cost.

use std::fs;

use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::Home,
};

/// Writes the configuration file.
fn configure(home: &Home, text: &str) {
    let path = home.path(".config/branchwork/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The model of that name in a list.
fn model<'a>(models: &'a Value, id: &str) -> &'a Value {
    let found = models["models"].as_array().unwrap().iter().find(|model| model["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is listed"))
}

#[test]
fn a_call_costs_what_the_file_says_else_what_the_table_says_else_nobody_knows() {
    let home = Home::new();
    let server = Server::start((0..5).map(|_| Answer::Text(&["Yes."])));
    let providers: String = ["openai", "lab"]
        .map(|name| format!("[providers.{name}]\nbase_url = \"{}\"\n", server.url))
        .concat();
    let own = "[prices.\"lab:tiny\"]\ninput = 1\noutput = 1000\n";
    configure(&home, &format!("{providers}{own}"));
    // Each reads 7 tokens and writes 2.
    for model in ["lab:tiny", "lab:tiny-2026-01-31", "lab:other", "openai:gpt-4o-2024-08-06"] {
        assert_eq!(home.run(&["-m", model, "Is it?"]).code, 0, "{model}");
    }
    let rows = home.json(&["usage", "--by", "model"]);
    let cost = |key: &str| {
        let row = rows["rows"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
        (row["cost_usd"].clone(), row["unknown_cost"].clone())
    };
    assert_eq!(cost("lab:tiny"), (json!(0.002_007), json!(0)));
    assert_eq!(cost("lab:tiny-2026-01-31"), (json!(0.002_007), json!(0)));
    assert_eq!(cost("lab:other"), (Value::Null, json!(1)));
    // $2.50 and $10 for a million tokens.
    assert_eq!(cost("openai:gpt-4o-2024-08-06"), (json!(0.000_037_5), json!(0)));

    let shown = home.run(&["usage", "--by", "model"]).out;
    for line in ["2 out  $0.0020\n", "2 out  cost unknown\n", "2 out  <$0.0001\n"] {
        assert!(shown.contains(line), "{shown}");
    }
    // Calls keep what they cost; later ones cost what is known then.
    configure(&home, &providers);
    assert_eq!(home.run(&["-m", "lab:tiny", "Is it?"]).code, 0);
    let shown = home.run(&["usage", "--by", "model"]).out;
    let both =
        "lab:tiny  2 calls, 0 failed  14 in (0 cached), 4 out  $0.0020 and 1 calls of unknown cost";
    assert!(shown.lines().any(|line| line == both), "{shown}");
}

#[test]
fn what_caches_saved_is_told_by_model() {
    let cached = "data: {\"choices\":[{\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}],\
        \"usage\":{\"prompt_tokens\":1000000,\"completion_tokens\":2,\
        \"prompt_tokens_details\":{\"cached_tokens\":800000}}}\n\ndata: [DONE]\n\n";
    let server = Server::start([Answer::Raw(cached), Answer::Raw(cached)]);
    let home = Home::new();
    let prices = "[prices.\"lab:tiny\"]\ninput = 1\noutput = 1\ncached = 0.25\n";
    configure(&home, &format!("[providers.lab]\nbase_url = '{}'\n{prices}", server.url));
    for model in ["lab:tiny", "lab:other"] {
        assert_eq!(home.run(&["-m", model, "Is it?"]).code, 0, "{model}");
    }
    let rows = home.json(&["usage", "--savings", "--by", "model"])["rows"].clone();
    let told = |index: usize| {
        let row: &Value = &rows[index];
        (row["key"].clone(), row["cached_tokens"].clone(), row["saved_usd"].clone())
    };
    assert_eq!(told(0), (json!("lab:other"), json!(800_000), Value::Null));
    assert_eq!(told(1), (json!("lab:tiny"), json!(800_000), json!(0.6)));
    let shown = home.run(&["usage", "--savings", "--by", "model"]).out;
    let line = "lab:tiny  800000 of 1000000 tokens read from caches (80 %)  $0.6000 saved";
    assert!(shown.lines().any(|shown| shown == line), "{shown}");
}

#[test]
fn what_is_known_of_a_model_is_listed_and_the_rest_is_null() {
    let home = Home::new();
    let server = Server::start([]);
    let providers = format!("[providers.lab]\nbase_url = \"{}\"\n", server.url);
    configure(&home, &format!("{providers}[prices.\"lab:first\"]\ninput = 2.5\noutput = 0\n"));
    let listed = home.json(&["models", "lab"]);
    let unknown = json!({
        "tools": null, "parallel-tools": null, "schema": null, "images": null, "pdf": null,
        "audio": null, "reasoning": null, "caching": null,
    });
    let prices =
        json!({ "input": 2.5, "cached": null, "cache_write": null, "output": 0.0, "above": [] });
    let entry = |id: &str, prices: Value| {
        json!({
            "id": id, "provider": "lab", "owner": null, "context_tokens": null,
            "output_tokens": null, "abilities": unknown, "prices": prices,
        })
    };
    let expected = json!({ "models": [entry("first", prices), entry("second", Value::Null)] });
    assert_eq!(listed, expected);
    assert_eq!(home.run(&["models", "lab"]).out, "lab:first  $2.5 in, $0 out\nlab:second\n");
    assert_eq!(server.requests().len(), 0, "no model is asked");
    let settings = home.run(&["config", "show"]).out;
    assert!(settings.contains("prices.\"lab:first\" = $2.5 in, $0 out"), "{settings}");
}

#[test]
fn the_models_that_are_known_are_listed_without_asking_anybody() {
    let home = Home::new();
    configure(&home, "[prices.\"openai:gpt-4o\"]\ninput = 1\noutput = 2\n");
    let all = home.json(&["models", "--known"]);
    assert!(all["models"].as_array().unwrap().len() > 1_000);
    let openai = home.json(&["models", "openai", "--known"]);
    let providers = openai["models"].as_array().unwrap().iter().map(|model| &model["provider"]);
    assert!(providers.clone().all(|provider| provider == "openai") && providers.count() > 50);
    assert_eq!(model(&openai, "gpt-4o")["prices"]["output"], 2.0, "one's own price");
    let mini = model(&openai, "gpt-4o-mini");
    assert_eq!(
        (&mini["context_tokens"], &mini["output_tokens"]),
        (&128_000.into(), &16_384.into())
    );
    let prices = json!({
        "input": 0.15, "cached": 0.075, "cache_write": null, "output": 0.6, "above": [],
    });
    assert_eq!(mini["prices"], prices);
    let abilities = &mini["abilities"];
    assert_eq!((&abilities["images"], &abilities["reasoning"]), (&true.into(), &Value::Null));
    let gemini = home.run(&["models", "--known", "gemini"]).out;
    let pro = gemini.lines().find(|line| line.starts_with("gemini:gemini-2.5-pro ")).unwrap();
    let long =
        "$1.25 in, $0.125 cached, $10 out; above 200000 tokens $2.5 in, $0.25 cached, $15 out";
    assert!(pro.contains(long), "{pro}");
}

#[test]
fn lists_and_prices_that_make_no_sense_are_refused() {
    let home = Home::new();
    home.run(&["models", "--known", "nobody"]).fails(3, "a provider that is not in the table");
    let both = ["models", "--known", "--base-url", "http://127.0.0.1:9/v1"];
    home.run(&both).fails(2, "a server that is not to be asked");
    for (text, said) in [
        ("[prices.\"openai:gpt-4o\"]\ninput = -1\noutput = 1\n", "not below 0"),
        ("[prices.\"openai:gpt-4o\"]\ninput = 1\n", "has no `output`"),
        ("[prices.gpt-4o]\ninput = 1\noutput = 1\n", "does not name a model"),
        ("[prices]\n\"openai:gpt-4o\" = 2.5\n", "must be a table"),
    ] {
        configure(&home, text);
        let ran = home.run(&["sessions", "list"]);
        ran.fails(2, text);
        assert!(ran.err.contains(said), "{ran:?}");
    }
}
