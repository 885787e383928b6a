//! `branchwork models`.

use branchwork::{
    core::provider::{ModelInfo, Provider as _},
    providers::{HttpOptions, HttpProvider},
};
use serde_json::{Value, json};

use crate::{
    args::Wish,
    exit::Failure,
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
            let models = HttpProvider::new(HttpOptions::chat(&url)?)?.models().await?;
            (name.unwrap_or_else(|| CUSTOM.to_owned()), models)
        }
        (Some(name), None) => {
            let models =
                HttpProvider::new(provider::options(&world.config, &name)?)?.models().await?;
            (name, models)
        }
        (None, None) => {
            let target = provider::resolve(&world.config, &Wish::default(), None).await?;
            let models = target.handle.models().await?;
            (target.provider, models)
        }
    };
    print(world, &name, &models)
}

fn print(world: &World, provider: &str, models: &[ModelInfo]) -> Result<(), Failure> {
    if world.global.json {
        let models: Vec<Value> = models
            .iter()
            .map(|model| {
                json!({
                    "id": model.id, "provider": provider, "owner": model.owner,
                    "context_tokens": model.context_tokens,
                })
            })
            .collect();
        return Ok(output::json(&json!({ "models": models }))?);
    }
    for model in models {
        output::line(&format!("{provider}:{}", model.id))?;
    }
    Ok(())
}
