//! What is sent, as the command line says it.

use branchwork::{
    Branch, Error,
    core::config::ConfigPatch,
    mail::{Category, Contents, Package},
};
use serde_json::{Map, Value};

use crate::{commands::config_branch, exit::Failure, input, place::Place, provider, world::World};

/// What the branch of `place` sends.
pub(super) async fn read(
    world: &World,
    place: &Place,
    category: Category,
    data: Vec<String>,
) -> Result<Contents, Failure> {
    let data = match data.as_slice() {
        [stdin] if stdin == "-" => vec![input::stdin()?],
        _ => data,
    };
    match category {
        Category::Text => text(only(category, data)?),
        Category::Data => json(&only(category, data)?),
        Category::Messages => messages(&place.branch, &data).await,
        Category::ModelConfig => settings(&data),
        Category::Provider => {
            let name = only(category, data)?.trim().to_owned();
            provider::register(place.session.engine(), world, &name)?;
            Ok(Package::Provider(name).into())
        }
        Category::Signal => Ok(Package::Signal(only(category, data)?.trim().to_owned()).into()),
        _ => Err(Failure::usage(format!("mail of category `{category}` is sent by programs"))
            .with_hint("a process of the command line has no tools of its own to send")),
    }
}

/// What is sent as one piece.
fn only(category: Category, data: Vec<String>) -> Result<String, Failure> {
    let [one] = <[String; 1]>::try_from(data).map_err(|data| {
        let message = format!("mail of category `{category}` is one piece, not {}", data.len());
        Failure::usage(message).with_hint("put quotes around it")
    })?;
    Ok(one)
}

fn text(text: String) -> Result<Contents, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage("the text is empty"));
    }
    Ok(text.into())
}

fn json(text: &str) -> Result<Contents, Failure> {
    let data: Value = serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("the data is not JSON: {error}")))?;
    Ok(data.into())
}

/// Messages, with commas or spaces between them.
async fn messages(sender: &Branch, data: &[String]) -> Result<Contents, Failure> {
    let between = |letter: char| letter == ',' || letter.is_whitespace();
    let references = data.iter().flat_map(|text| text.split(between));
    let mut ids = Vec::new();
    for reference in references.filter(|reference| !reference.is_empty()) {
        ids.push(sender.message(reference).await?.id);
    }
    Ok(ids.into())
}

/// Settings: `name=value`, one a line, or an object of them.
fn settings(data: &[String]) -> Result<Contents, Failure> {
    let mut patch = ConfigPatch::new();
    for (name, value) in pairs(data)? {
        patch = patch.with_setting(&name, value).map_err(Error::from)?;
    }
    Ok(patch.into())
}

fn pairs(data: &[String]) -> Result<Map<String, Value>, Failure> {
    if let [object] = data
        && object.trim_start().starts_with('{')
    {
        return serde_json::from_str(object)
            .map_err(|error| Failure::usage(format!("the settings are not JSON: {error}")));
    }
    let mut pairs = Map::new();
    let lines = data.iter().flat_map(|text| text.lines()).map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            let message = format!("`{}` is no setting", crate::output::one_line(line));
            return Err(Failure::usage(message)
                .with_hint("write `name=value`, or a JSON object of settings"));
        };
        let name = name.trim_end();
        let value = config_branch::parse(name, value.trim_start().to_owned())?;
        pairs.insert(name.to_owned(), value);
    }
    Ok(pairs)
}
