//! `branchwork models`.

mod entry;

use branchwork::{
    core::provider::{ModelInfo, Provider as _},
    providers::{
        HttpOptions, HttpProvider,
        models::{of_provider, table},
    },
};
use serde_json::{Value, json};

use self::entry::Entry;
use crate::{
    args::Wish,
    exit::{Code, Failure},
    output,
    provider::{self, CUSTOM},
    world::World,
};

pub(super) async fn run(
    world: &World,
    provider: Option<String>,
    base_url: Option<String>,
) -> Result<(), Failure> {
    let (name, models) = match (provider, base_url) {
        (name, Some(url)) => {
            let options = provider::options_at(&world.config, &url, name.as_deref())?;
            (name.unwrap_or_else(|| CUSTOM.to_owned()), listed(options).await?)
        }
        (Some(name), None) => {
            let models = listed(provider::options(&world.config, &name)?).await?;
            (name, models)
        }
        (None, None) => {
            let target = provider::resolve(world, &Wish::default(), None).await?;
            let models = target.handle.models().await?;
            (target.provider, models)
        }
    };
    let prices = world.prices();
    let entries: Vec<_> = models.iter().map(|model| Entry::served(&prices, &name, model)).collect();
    print(world, &entries)
}

/// What the server serves.
async fn listed(options: HttpOptions) -> Result<Vec<ModelInfo>, Failure> {
    Ok(HttpProvider::new(options)?.models().await?)
}

/// Lists the models of the table, of one provider or of all.
pub(super) fn known(world: &World, provider: Option<&str>) -> Result<(), Failure> {
    let models = provider.map_or_else(table, of_provider);
    if let ([], Some(provider)) = (models, provider) {
        let providers = table().chunk_by(|one, next| one.provider == next.provider);
        let names: Vec<_> = providers.filter_map(|models| Some(models.first()?.provider)).collect();
        let message = format!("no model of `{provider}` is known");
        let hint = format!("models are known of {}", names.join(", "));
        return Err(Failure::new(Code::NotFound, message).with_hint(hint));
    }
    let prices = world.prices();
    let entries: Vec<_> = models.iter().map(|model| Entry::known(&prices, model)).collect();
    print(world, &entries)
}

fn print(world: &World, entries: &[Entry<'_>]) -> Result<(), Failure> {
    if world.global.json {
        let models: Vec<Value> = entries.iter().map(Entry::value).collect();
        return Ok(output::json(&json!({ "models": models }))?);
    }
    for entry in entries {
        output::line(&entry.line())?;
    }
    Ok(())
}
