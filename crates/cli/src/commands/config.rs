//! `branchwork config …`.

use serde_json::json;

use crate::{
    args::ConfigCommand,
    config::{self, Reach},
    env,
    exit::{Code, Failure},
    output, paths,
    world::World,
};

pub(super) fn run(world: &World, command: ConfigCommand) -> Result<(), Failure> {
    let json = world.global.json;
    match command {
        ConfigCommand::Path => {
            let path = paths::config_file()?.display().to_string();
            if json {
                output::json(&json!({ "path": path }))?;
            } else {
                output::line(&path)?;
            }
        }
        ConfigCommand::Get { key } => {
            let value = config::get(&key)?
                .ok_or_else(|| Failure::new(Code::NotFound, format!("`{key}` is not set")))?;
            if json {
                output::json(&json!({ "key": key, "value": value }))?;
            } else {
                output::line(&value)?;
            }
        }
        ConfigCommand::Set { key, value } => {
            config::set(&key, &value)?;
            if json {
                output::json(&json!({ "key": key, "value": value }))?;
            }
        }
        ConfigCommand::Show => show(world)?,
    }
    Ok(())
}

/// Every setting that holds, with where it comes from. Keys are not settings, and not shown.
fn show(world: &World) -> Result<(), Failure> {
    let mut settings = vec![("db".to_owned(), world.db()?.display().to_string(), db_origin(world))];
    let config = &world.config;
    let model = env::text("BRANCHWORK_MODEL")
        .map(|model| (model, "environment"))
        .or_else(|| config.model.clone().map(|model| (model, "file")));
    settings.extend(model.map(|(model, origin)| ("model".to_owned(), model, origin)));
    for (name, model) in &config.aliases {
        settings.push((format!("aliases.{name}"), model.clone(), "file"));
    }
    for (name, provider) in &config.providers {
        let file = provider.key_file.as_ref().map(|path| path.display().to_string());
        let url = provider.base_url.as_deref().map(address);
        let variable = provider.key_env.clone();
        let protocol = provider.protocol.map(|protocol| protocol.as_str().to_owned());
        let values =
            [("base_url", url), ("protocol", protocol), ("key_env", variable), ("key_file", file)];
        for (key, value) in values {
            let path = format!("providers.{name}.{key}");
            settings.extend(value.map(|value| (path, value, "file")));
        }
        let said = config::said(&provider.resilience).into_iter();
        let path = |key| format!("providers.{name}.{key}");
        settings.extend(said.map(|(key, value)| (path(key), value, "file")));
    }
    for (name, server) in &config.mcp_servers {
        let (key, value) = match &server.reach {
            Reach::Command { command, .. } => ("command", command.clone()),
            Reach::Url { url, .. } => ("url", address(url)),
        };
        settings.push((format!("mcp-servers.{name}.{key}"), value, "file"));
    }
    for ((provider, model), prices) in &config.prices {
        let (key, value) = (format!("prices.\"{provider}:{model}\""), output::prices_line(prices));
        settings.push((key, value, "file"));
    }
    let said = config.budget.said().into_iter();
    settings.extend(said.map(|(key, value)| (format!("budget.{key}"), value, "file")));
    if world.global.json {
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value, origin)| json!({ "key": key, "value": value, "origin": origin }))
            .collect();
        return Ok(output::json(&json!({ "settings": settings }))?);
    }
    for (key, value, origin) in settings {
        output::line(&format!("{key} = {value}  {}", world.paint.dim(&format!("({origin})"))))?;
    }
    Ok(())
}

/// A URL without what may be secret: whom it is asked as, with which password, and what for.
fn address(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, end) = match rest.find(['?', '#']) {
        Some(place) => (rest.get(..place).unwrap_or_default(), "?…"),
        None => (rest, ""),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let user = authority.rfind('@').map_or(0, |place| place + 1);
    let colon = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{colon}{}{end}", rest.get(user..).unwrap_or_default())
}

fn db_origin(world: &World) -> &'static str {
    match &world.global.db {
        Some(_) if env::text("BRANCHWORK_DB").is_some() => "environment",
        Some(_) => "option",
        None => "default",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_secret() {
        for (url, shown) in [
            ("https://host/mcp", "https://host/mcp"),
            ("https://me:pass@host:1/a@b", "https://host:1/a@b"),
            ("https://me@host?key=k", "https://host?…"),
            ("https://host/mcp?user=a@b", "https://host/mcp?…"),
            ("host:1/v1#k", "host:1/v1?…"),
            ("me:pass@host", "host"),
            ("", ""),
        ] {
            assert_eq!(address(url), shown);
        }
    }
}
