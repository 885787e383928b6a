//! Finding what a reference names.

use branchwork::{Branch, Engine, Session, reference::PlaceReference};

use crate::{
    env,
    exit::{Code, Failure},
};

/// The branch that a reference names, its session, and how far back it points.
pub(crate) struct Place {
    pub(crate) session: Session,
    pub(crate) branch: Branch,
    pub(crate) back: usize,
}

/// The session that is named; the one of the environment when none is.
pub(crate) async fn session(engine: &Engine, name: Option<&str>) -> Result<Session, Failure> {
    let name = name.map(str::to_owned).or_else(|| env::text("BRANCHWORK_SESSION"));
    let name = name.ok_or_else(|| {
        Failure::usage("no session is named")
            .with_hint("give one, or set BRANCHWORK_SESSION; `branchwork ls` lists them")
    })?;
    if name.contains(['@', '~']) {
        let message = format!("`{name}` names a branch, a session is wanted");
        return Err(Failure::usage(message));
    }
    Ok(engine.open_session(&name).await?)
}

/// The place that is named.
pub(crate) async fn find(engine: &Engine, text: Option<&str>) -> Result<Place, Failure> {
    let PlaceReference { session: name, branch, back } =
        text.map(PlaceReference::parse).transpose()?.unwrap_or_default();
    let (session, branch) = match (session(engine, name.as_deref()).await, branch) {
        (Err(failure), None) => {
            (default_session_with(engine, name.as_deref(), failure).await?, name)
        }
        (session, branch) => (session?, branch),
    };
    let branch = match branch {
        Some(branch) => session.branch(&branch).await?,
        None => session.default_branch(),
    };
    Ok(Place { session, branch, back })
}

/// The session of the environment when it has a branch of that name; else the failure.
async fn default_session_with(
    engine: &Engine,
    branch: Option<&str>,
    failure: Failure,
) -> Result<Session, Failure> {
    let (Some(branch), Some(_)) = (branch, env::text("BRANCHWORK_SESSION")) else {
        return Err(failure);
    };
    let default = session(engine, None).await?;
    match default.branch(branch).await {
        Ok(_) => Ok(default),
        Err(_) => Err(failure),
    }
}

/// The place that is named, for commands that work on the whole branch.
pub(crate) async fn branch(engine: &Engine, text: Option<&str>) -> Result<Place, Failure> {
    let place = find(engine, text).await?;
    if place.back > 0 {
        let message = format!("`{}` names a message, a branch is wanted", text.unwrap_or_default());
        return Err(Failure::usage(message));
    }
    Ok(place)
}

/// The place that is named, for commands that want its branch said.
pub(crate) async fn named_branch(engine: &Engine, text: &str) -> Result<Place, Failure> {
    if !text.contains('@') {
        let message = format!("`{text}` names no branch");
        return Err(Failure::new(Code::Usage, message).with_hint("write `session@branch`"));
    }
    branch(engine, Some(text)).await
}
