//! Which server and model are asked.
//!
//! A model is said by the option, the environment, the branch, or the configuration file, in this
//! order; else a server on one of the usual ports of this machine is looked for. Providers are
//! known by preset, by the configuration file, or by the URL of `--base-url`. A provider's key goes
//! to another server only when the same call names both.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use branchwork::{
    Engine,
    core::{
        config::{Config as BranchConfig, ConfigPatch},
        provider::Provider as _,
    },
    providers::{
        Dialect, HttpOptions, HttpProvider, InvalidBaseUrl, Preset, Protocol, Secret, preset,
        presets,
    },
    reference::ModelReference,
};
use futures_util::future::join_all;

use crate::{
    args::{AskArgs, Wish},
    config::Config,
    env,
    exit::{Code, Failure},
    keys,
    recording::recorded,
};

/// What a server of `--base-url` is called.
pub(crate) const CUSTOM: &str = "custom";

/// The servers that are looked for on this machine, in order of preference.
const LOCAL: [&str; 3] = ["ollama", "lmstudio", "llamacpp"];

/// How long a server on this machine may take to say what it serves.
const PROBE_WAIT: Duration = Duration::from_millis(400);

impl Wish {
    /// What the options of a prompt say.
    pub(crate) fn of(args: &AskArgs) -> Self {
        let (model, base_url) = (args.model.clone(), args.base_url.clone());
        Self { model, base_url, record: args.record.clone() }
    }
}

/// Whom to ask: the provider, what it is called, and the model.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) handle: Arc<HttpProvider>,
    pub(crate) provider: String,
    pub(crate) model: String,
}

impl Target {
    /// Makes the provider known to `engine`, and lets `patch` choose it and the model.
    pub(crate) fn register(self, engine: &Engine, patch: ConfigPatch) -> ConfigPatch {
        engine.register(self.provider.clone(), self.handle);
        patch.with_model(Some(self.provider), self.model)
    }
}

/// Finds out whom to ask.
///
/// `branch` is the configuration of the branch that will be asked, when it has one.
pub(crate) async fn resolve(
    config: &Config,
    wish: &Wish,
    branch: Option<&BranchConfig>,
) -> Result<Target, Failure> {
    let record = wish.record.as_deref();
    let base_url = wish.base_url.clone().or_else(|| env::text("BRANCHWORK_BASE_URL"));
    let said = wish.model.clone().or_else(|| env::text("BRANCHWORK_MODEL"));
    let said = said.map(|model| config.aliases.get(&model).cloned().unwrap_or(model));
    let own = branch.and_then(|branch| branch.model.clone());
    let own_provider = branch.and_then(|branch| branch.provider.clone());
    let said = said.as_deref().map(ModelReference::parse).transpose()?;
    if let Some(url) = base_url {
        let lender = said.as_ref().and_then(|said| said.provider.as_deref());
        let key = match (env::text("BRANCHWORK_API_KEY"), lender) {
            (Some(key), _) => Some(Secret::new(key)),
            (None, Some(lender)) => keys::find(config, lender)?.map(|found| found.key),
            (None, None) => None,
        };
        let own = own.map(|model| ModelReference { provider: None, model });
        return at_url((&url, record), key, said.or(own)).await;
    }
    let named =
        said.or_else(|| own.map(|model| ModelReference { provider: own_provider.clone(), model }));
    let named = match named {
        Some(named) => Some(named),
        None => config.model.as_deref().map(ModelReference::parse).transpose()?,
    };
    match named {
        Some(ModelReference { provider, model }) => {
            let Some(provider) = provider.or(own_provider) else {
                let message = format!("`{model}` does not say which provider serves it");
                return Err(Failure::new(Code::Provider, message).with_hint(format!(
                    "write `provider:{model}`; `branchwork models PROVIDER` lists models"
                )));
            };
            if provider.contains("://") {
                // A server that an earlier call named by its URL. It gets no key: a session that
                // came from elsewhere must not choose where keys go.
                let named = ModelReference { provider: Some(provider.clone()), model };
                return at_url((&provider, record), None, Some(named)).await;
            }
            let options = recorded(options(config, &provider)?, record)?;
            let handle = Arc::new(HttpProvider::new(options)?);
            Ok(Target { handle, provider, model })
        }
        None => on_this_machine(record).await,
    }
}

/// The server at a URL. Without a model, the first one that it serves.
///
/// The session remembers it by the provider that was named with the model, else by its URL, so that
/// the next call finds it again.
async fn at_url(
    (url, record): (&str, Option<&Path>),
    key: Option<Secret>,
    named: Option<ModelReference>,
) -> Result<Target, Failure> {
    let lender = named.as_ref().and_then(|named| named.provider.as_deref()).and_then(preset);
    let options = match lender.map(|preset| preset.protocol) {
        None | Some(Protocol::Chat(_)) => HttpOptions::chat(url)?,
        Some(protocol) => HttpOptions::new(protocol, url)?,
    };
    let options = match key {
        Some(key) => options.with_key(key),
        None => options,
    };
    let handle = Arc::new(HttpProvider::new(recorded(options, record)?)?);
    let (provider, model) = if let Some(ModelReference { provider, model }) = named {
        (provider.filter(|name| name != CUSTOM).unwrap_or_else(|| url.to_owned()), model)
    } else {
        let first = handle.models().await?.into_iter().next().ok_or_else(|| {
            Failure::new(Code::Provider, format!("the server at {url} serves no model"))
        })?;
        (url.to_owned(), first.id)
    };
    Ok(Target { handle, provider, model })
}

/// Makes the provider of that name known to `engine`; one that is named by its URL gets no key.
pub(crate) fn register(engine: &Engine, config: &Config, name: &str) -> Result<(), Failure> {
    let is_url = name.contains("://");
    let options = if is_url { HttpOptions::chat(name)? } else { options(config, name)? };
    engine.register(name, Arc::new(HttpProvider::new(options)?));
    Ok(())
}

/// How requests to the provider of that name may have been put in words, the likeliest first: without its key, for
/// what asks nobody. None when it is not known.
pub(crate) fn wordings(config: &Config, name: &str) -> Vec<HttpOptions> {
    if name.contains("://") {
        return HttpOptions::chat(name).ok().into_iter().collect();
    }
    // Where a server is does not change what it is asked.
    let anywhere = |protocol| HttpOptions::new(protocol, "localhost").ok();
    let known = preset(name).map(|preset| preset.protocol);
    // At an address of `--base-url` the common dialect is spoken, whichever provider is named with it.
    let common = match known {
        Some(Protocol::Chat(_)) => anywhere(Protocol::Chat(Dialect::COMMON)),
        _ => None,
    };
    let own = server(config, name).ok().or_else(|| known.and_then(anywhere));
    own.into_iter().chain(common).collect()
}

/// Where the provider of that name is, and how it is talked to.
fn server(config: &Config, name: &str) -> Result<HttpOptions, Failure> {
    let known = preset(name);
    let own = config.providers.get(name);
    let url = own
        .and_then(|own| own.base_url.clone())
        .or_else(|| url_of_environment(name))
        .or_else(|| known.and_then(|preset| env::text(preset.base_url_variable)))
        .or_else(|| known.map(|preset| preset.base_url.to_owned()).filter(|url| !url.is_empty()))
        .ok_or_else(|| match known {
            Some(preset) => homeless(preset),
            None => unknown(config, name),
        })?;
    Ok(match (own.and_then(|own| own.protocol), known) {
        (Some(Protocol::Chat(_)) | None, None) => HttpOptions::chat(&url)?,
        (Some(protocol), _) => HttpOptions::new(protocol, &url)?,
        (None, Some(preset)) => HttpOptions::new(preset.protocol, &url)?,
    })
}

/// How to reach the provider of that name.
pub(crate) fn options(config: &Config, name: &str) -> Result<HttpOptions, Failure> {
    let options = server(config, name)?;
    let known = preset(name);
    let own = config.providers.get(name);
    let is_own_server = own.is_some_and(|own| own.base_url.is_some());
    let is_named = own.is_some_and(|own| own.key_env.is_some() || own.key_file.is_some());
    // A key that is named is meant; a server of one's own, or on this machine, may want none.
    let may_lack = !is_named && (is_own_server || known.is_none_or(|preset| preset.is_local));
    match keys::find(config, name)? {
        Some(found) => Ok(options.with_key(found.key)),
        None if may_lack => Ok(options),
        None => Err(keys::missing(config, name)),
    }
}

/// That the address of a known provider is its user's own, and nobody said it.
fn homeless(preset: &Preset) -> Failure {
    let (name, variable) = (preset.name, preset.base_url_variable);
    Failure::new(Code::Provider, format!("nobody says where the provider `{name}` is")).with_hint(
        format!("set {variable}, or `branchwork config set providers.{name}.base_url URL`"),
    )
}

/// Whether there is a provider of that name.
pub(crate) fn is_known(config: &Config, name: &str) -> bool {
    preset(name).is_some() || config.providers.contains_key(name)
}

/// The names of all providers, in order.
pub(crate) fn names(config: &Config) -> BTreeSet<&str> {
    let own = config.providers.keys().map(String::as_str);
    presets().iter().map(|preset| preset.name).chain(own).collect()
}

fn unknown(config: &Config, name: &str) -> Failure {
    let own = config.providers.keys().map(String::as_str);
    let names: Vec<_> = presets().iter().map(|preset| preset.name).chain(own).collect();
    let failure = Failure::new(Code::Provider, format!("there is no provider `{name}`"));
    if name == CUSTOM {
        return failure.with_hint("say where it is: --base-url URL, or BRANCHWORK_BASE_URL");
    }
    failure.with_hint(format!("there are {}; `--base-url` asks any other", names.join(", ")))
}

/// Addresses that the servers' own tools read from the environment.
fn url_of_environment(name: &str) -> Option<String> {
    match name {
        "openai" | "openai-responses" => env::text("OPENAI_BASE_URL"),
        // Other tools read the second one, and may mean another server.
        "anthropic" => {
            env::text("BRANCHWORK_ANTHROPIC_BASE_URL").or_else(|| env::text("ANTHROPIC_BASE_URL"))
        }
        "ollama" | "ollama-native" => env::text("OLLAMA_HOST"),
        _ => None,
    }
}

/// The first server on this machine that serves a model.
async fn on_this_machine(record: Option<&Path>) -> Result<Target, Failure> {
    let probes = LOCAL.iter().filter_map(|name| preset(name)).map(probe);
    let found = join_all(probes).await.into_iter().flatten().next();
    let Some((preset, handle, model)) = found else {
        return Err(Failure::new(Code::Provider, "no model is set, and no server was found here")
            .with_hint(
                "set one: `branchwork config set model openai:gpt-5-mini`, and `branchwork keys set openai`\n\
                 or start one: Ollama, LM Studio or llama.cpp on its usual port, or give --base-url",
            ));
    };
    let handle = match record {
        Some(_) => Arc::new(HttpProvider::new(recorded(local(preset)?, record)?)?),
        None => handle,
    };
    Ok(Target { handle, provider: preset.name.to_owned(), model })
}

/// How to reach a server on this machine.
fn local(preset: &Preset) -> Result<HttpOptions, InvalidBaseUrl> {
    let url = url_of_environment(preset.name).unwrap_or_else(|| preset.base_url.to_owned());
    HttpOptions::new(preset.protocol, &url)
}

/// Asks a server on this machine which model it serves first.
pub(crate) async fn probe(
    preset: &'static Preset,
) -> Option<(&'static Preset, Arc<HttpProvider>, String)> {
    let options = local(preset).ok()?;
    let provider = Arc::new(HttpProvider::new(options.with_probe_timeout(PROBE_WAIT)).ok()?);
    let models = provider.models().await.ok()?;
    Some((preset, provider, models.into_iter().next()?.id))
}

/// The servers of this machine that are looked for.
pub(crate) fn local_presets() -> impl Iterator<Item = &'static Preset> {
    LOCAL.iter().filter_map(|name| preset(name))
}
