//! Answers of a type: read, mended in sight, or refused.

use branchwork::{Error, core::message::BodyKind, tools::schemars::JsonSchema};
use branchwork_testkit::Script;
use serde::Deserialize;
use serde_json::json;

use crate::support::{session, texts};

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Trip {
    name: String,
    #[schemars(range(min = 1, max = 9))]
    days: u8,
    #[serde(default)]
    note: Option<String>,
}

fn rome() -> Trip {
    Trip { name: "Rome".to_owned(), days: 3, note: None }
}

#[tokio::test]
async fn an_answer_that_fits_is_a_value_and_the_provider_knew_the_schema() {
    let answers = [r#"{"name":"Rome","days":3}"#, "```json\n{\"name\":\"Rome\",\"days\":3}\n```"];
    let (session, provider) = session(answers.map(Script::text)).await;
    let main = session.default_branch();
    for _ in 0..2 {
        let trip = main.chat("Plan.").extract::<Trip>().await.unwrap();
        assert_eq!((trip.value, trip.repairs), (rome(), 0));
    }
    let schema = provider.requests()[0].config.response_schema.clone().unwrap();
    assert_eq!(schema["properties"]["days"]["maximum"], json!(9));
    assert_eq!(schema["required"], json!(["name", "days"]));
    assert_eq!(main.view().await.unwrap().config().response_schema, None, "for that call only");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_mended_in_sight() {
    let answers =
        ["Rome, three days", r#"{"name":"Rome","days":30}"#, r#"{"name":"Rome","days":3}"#];
    let (session, provider) = session(answers.map(Script::text)).await;
    let main = session.default_branch();
    let trip = main.chat("Plan.").extract::<Trip>().await.unwrap();
    assert_eq!((&trip.value, trip.repairs), (&rome(), 2));
    let said = texts(&main).await;
    assert!(said[2].starts_with("That answer does not fit: it is not JSON"), "{said:?}");
    assert!(said[4].contains("/days: 30 is greater than the maximum of 9"), "{said:?}");
    assert_eq!(said.len(), 6);
    assert!(provider.requests().iter().all(|request| request.config.response_schema.is_some()));
}

#[tokio::test]
async fn what_cannot_be_mended_is_an_error_that_says_what_is_wrong() {
    let (session, provider) = session(["no", "no", "{}"].map(Script::text)).await;
    let main = session.default_branch();
    let error = main.chat("Plan.").extract::<Trip>().with_repairs(1).await.unwrap_err();
    let Error::NotExtracted { problem, answer } = error else { panic!("{error:?}") };
    assert!(problem.starts_with("it is not JSON"), "{problem}");
    assert_eq!(main.view().await.unwrap().last().unwrap().id, answer);
    assert_eq!(provider.requests().len(), 2);
    let error = main.chat("Plan.").extract::<Trip>().with_repairs(0).await.unwrap_err();
    assert!(error.to_string().contains("\"name\" is a required property"), "{error}");
}

#[tokio::test]
async fn an_answer_that_calls_a_tool_is_not_told_that_it_is_no_json() {
    let (session, provider) = session([Script::calls([("c", "add", "{}")])]).await;
    let main = session.default_branch();
    let error = main.chat("Plan.").extract::<Trip>().await.unwrap_err();
    assert!(matches!(error, Error::NotExtracted { .. }), "{error}");
    assert_eq!(provider.requests().len(), 1);
    let kinds: Vec<_> =
        main.view().await.unwrap().messages().map(|message| message.body.kind()).collect();
    assert_eq!(kinds[1..], [BodyKind::ActionRequest, BodyKind::ActionResponse]);
}
