//! Tools that come and go: those that a turn offers are those that their source has when it begins.

use std::sync::{Arc, Mutex};

use branchwork::{
    Error,
    core::tool::ToolSelection,
    tools::{FunctionTool, RegisterError, Tool, ToolError, ToolSource, ToolSpec},
};
use branchwork_testkit::{Script, ScriptedProvider};
use serde_json::json;

use crate::support::session;

/// A source whose tools the test says.
#[derive(Debug, Clone)]
struct Changing {
    name: &'static str,
    tools: Arc<Mutex<(u64, Vec<&'static str>)>>,
}

impl Changing {
    fn new(name: &'static str, tools: &[&'static str]) -> Self {
        Self { name, tools: Arc::new(Mutex::new((1, tools.to_vec()))) }
    }

    fn become_others(&self, tools: &[&'static str]) {
        let mut now = self.tools.lock().unwrap();
        *now = (now.0 + 1, tools.to_vec());
    }
}

impl ToolSource for Changing {
    fn name(&self) -> &str {
        self.name
    }

    fn tools(&self) -> (u64, Vec<Arc<dyn Tool>>) {
        let (revision, names) = self.tools.lock().unwrap().clone();
        (revision, names.into_iter().map(|name| Arc::new(named(name)) as _).collect())
    }

    fn revision(&self) -> u64 {
        self.tools.lock().unwrap().0
    }
}

fn named(name: &str) -> FunctionTool {
    let spec = ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({ "type": "object" }),
    };
    FunctionTool::dynamic(spec, async |_, _| Ok::<_, ToolError>(json!("done")))
}

/// What the model was offered in each turn.
fn offered(provider: &ScriptedProvider) -> Vec<Vec<String>> {
    let requests = provider.requests();
    let names = |tools: &[ToolSpec]| tools.iter().map(|tool| tool.name.clone()).collect();
    requests.iter().map(|request| names(&request.tools)).collect()
}

#[tokio::test]
async fn the_next_turn_has_the_tools_that_the_source_has_then() {
    let (session, provider) = session(["1", "2", "3", "4"].map(Script::text)).await;
    let (main, source) = (session.default_branch(), Changing::new("srv", &["a", "b"]));
    session.register_source(source.clone()).unwrap();
    let all = || ToolSelection::All;
    main.chat("one").with_tools(all()).await.unwrap();
    main.register(named("own")).unwrap();
    let fork = main.fork("aside").await.unwrap();
    source.become_others(&["b", "c"]);
    main.chat("two").with_tools(all()).await.unwrap();
    fork.chat("three").with_tools(all()).await.unwrap();
    // A tool that came later stands back behind one of that name that was there.
    source.become_others(&["own", "d"]);
    main.chat("four").with_tools(all()).await.unwrap();
    let turns = [vec!["a", "b"], vec!["b", "c", "own"], vec!["b", "c", "own"], vec!["d", "own"]];
    assert_eq!(offered(&provider), turns);
    assert_eq!(session.tools().names().collect::<Vec<_>>(), ["d", "own"]);
    main.remove_source("srv").unwrap();
    assert_eq!(main.tools().names().collect::<Vec<_>>(), ["own"]);
}

#[tokio::test]
async fn a_source_that_cannot_be_registered_leaves_nothing() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.register(named("a")).unwrap();
    let register = |source: &Changing| match main.register_source(source.clone()).unwrap_err() {
        Error::Register(error) => error,
        error => panic!("{error}"),
    };
    let taken = register(&Changing::new("srv", &["b", "a"]));
    assert_eq!(taken, RegisterError::Duplicate { name: "a".to_owned() });
    let bad = register(&Changing::new("srv", &["b", "c d"]));
    assert_eq!(bad, RegisterError::BadName { name: "c d".to_owned() });
    assert_eq!(main.tools().names().collect::<Vec<_>>(), ["a"]);
    main.register_source(Changing::new("srv", &["b"])).unwrap();
    let twice = register(&Changing::new("srv", &["z"]));
    assert_eq!(twice, RegisterError::DuplicateSource { name: "srv".to_owned() });
    let unknown = main.remove_source("sra").unwrap_err();
    assert!(matches!(unknown, Error::NotFound { nearest: Some(near), .. } if near == "srv"));
}
