//! Conversations as Markdown.

use branchwork::{
    BaseBranch as _,
    core::message::{Body, CallId, Draft, FileSource, Outcome, Part, Status, ToolCall},
};
use serde_json::json;

use crate::support::{says, session};

/// All that a conversation can hold, as people read it.
const EXPECTED: &str = r#"## system

Be brief.

## user · ada

Hello, World!

Image: `data:image/png;base64`

File `a.txt`: `file-1`

Sound: `data:audio/wav;base64`

Context:

```json
{
  "city": "Rome"
}
```

## assistant (interrupted)

> I think
> so.

Let me look

Call `c1` of `look`:

````json
{"where":"``` fenced ```"}
````

## tool

Call `c1` of `look`:

```json
{
  "warm": true
}
```

## assistant

Call `c2` of `look`:

```json
{}
```

## tool

Call `c2` of `look` did not succeed:

failed: no such city

## assistant → ada

It is warm.
"#;

#[tokio::test]
async fn s054_markdown_holds_answers_calls_and_results() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let call = |id: &str, arguments: &str| ToolCall {
        id: CallId::new(id),
        function: "look".to_owned(),
        arguments: arguments.to_owned(),
    };
    let thought = Part::Reasoning { text: "I think\nso.".to_owned(), detail: None };
    let hidden = Part::Reasoning { text: String::new(), detail: Some(json!("sealed")) };
    let image = Part::Image { url: "data:image/png;base64,AAAA".to_owned(), detail: None };
    let file =
        Part::File { name: Some("a.txt".to_owned()), source: FileSource::Id("file-1".to_owned()) };
    let sound = Part::Audio { url: "data:audio/wav;base64,AAAA".to_owned() };
    let parts = vec![Part::text("Hello, World!\n"), image, file, sound];
    let asked = Body::Instruction { parts, context: Some(json!({ "city": "Rome" })) };
    let looked = Body::ActionRequest {
        parts: vec![thought, hidden, Part::text("Let me look")],
        calls: vec![call("c1", "{\"where\":\"``` fenced ```\"}")],
    };
    let again = Body::ActionRequest { parts: Vec::new(), calls: vec![call("c2", "{}")] };
    let drafts = vec![
        Draft::new(Body::System { text: "Be brief.".to_owned() }),
        Draft::new(asked).with_sender("ada"),
        Draft::new(looked).with_status(Status::Interrupted),
        Draft::result(CallId::new("c1"), "look", Outcome::Succeeded(json!({ "warm": true }))),
        Draft::new(again),
        Draft::result(CallId::new("c2"), "look", Outcome::Failed("no such city".to_owned())),
        Draft::new(Body::response("It is warm.")).with_recipient("ada"),
    ];
    main.append_all(drafts).await.unwrap();
    assert_eq!(main.markdown().await.unwrap(), EXPECTED);
}

#[tokio::test]
async fn one_question_is_markdown_too_and_an_empty_branch_is_nothing() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    assert_eq!(main.markdown().await.unwrap(), "");
    main.append(says("Hello, World!").with_sender("a\nb")).await.unwrap_err();
    main.append(says("Hello, World!")).await.unwrap();
    assert_eq!(main.markdown().await.unwrap(), "## user\n\nHello, World!\n");
}
