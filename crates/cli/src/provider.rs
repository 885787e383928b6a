//! Which server and model are asked.
//!
//! A model is said by the option, the environment, the branch, or the configuration file, in this
//! order; else a server on one of the usual ports of this machine is looked for. Providers are
//! known by preset, by the configuration file, or by the URL of `--base-url`. A provider's key goes
//! to another server only when the same call names both.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use branchwork::{
    Engine,
    core::{
        config::{Config as BranchConfig, ConfigPatch},
        provider::Provider,
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
    calls::around,
    config::Config,
    env,
    exit::{Code, Failure},
    keys,
    world::World,
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
        let record = args.record.clone();
        Self { model, base_url, record, resilience: args.calls.resilience.clone() }
    }
}

/// Whom to ask: the provider, what it is called, and the model.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) handle: Arc<dyn Provider>,
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
    world: &World,
    wish: &Wish,
    branch: Option<&BranchConfig>,
) -> Result<Target, Failure> {
    let config = &world.config;
    let base_url = wish.base_url.clone().or_else(|| env::text("BRANCHWORK_BASE_URL"));
    let said = wish.model.clone().or_else(|| env::text("BRANCHWORK_MODEL"));
    let said = said.map(|model| config.aliases.get(&model).cloned().unwrap_or(model));
    let own = branch.and_then(|branch| branch.model.clone());
    let own_provider = branch.and_then(|branch| branch.provider.clone());
    let said = said.as_deref().map(ModelReference::parse).transpose()?;
    if let Some(url) = base_url {
        let lender = said.as_ref().and_then(|said| said.provider.as_deref());
        let options = options_at(config, &url, lender)?;
        let own = own.map(|model| ModelReference { provider: None, model });
        return at_url((world, wish), &url, options, said.or(own)).await;
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
                let options = HttpOptions::chat(&provider)?;
                return at_url((world, wish), &provider, options, Some(named)).await;
            }
            let options = options(config, &provider)?;
            let handle = around(world, &provider, options, wish)?;
            Ok(Target { handle, provider, model })
        }
        None => on_this_machine(world, wish).await,
    }
}

/// The server at a URL. Without a model, the first one that it serves.
///
/// The session remembers it by the provider that was named with the model, else by its URL, so that
/// the next call finds it again.
async fn at_url(
    (world, wish): (&World, &Wish),
    url: &str,
    options: HttpOptions,
    named: Option<ModelReference>,
) -> Result<Target, Failure> {
    let (provider, model) = match named {
        Some(ModelReference { provider, model }) => (provider, Some(model)),
        None => (None, None),
    };
    let provider = provider.filter(|name| name != CUSTOM).unwrap_or_else(|| url.to_owned());
    let handle = around(world, &provider, options, wish)?;
    let model = match model {
        Some(model) => model,
        None => first_of(&*handle, url).await?,
    };
    Ok(Target { handle, provider, model })
}

/// The first model that the server at `url` serves.
async fn first_of(handle: &dyn Provider, url: &str) -> Result<String, Failure> {
    let first = handle.models().await?.into_iter().next().ok_or_else(|| {
        Failure::new(Code::Provider, format!("the server at {url} serves no model"))
    })?;
    Ok(first.id)
}

/// Makes the provider of that name known to `engine`; one that is named by its URL gets no key.
pub(crate) fn register(engine: &Engine, world: &World, name: &str) -> Result<(), Failure> {
    let is_url = name.contains("://");
    let options = if is_url { HttpOptions::chat(name)? } else { options(&world.config, name)? };
    engine.register(name, around(world, name, options, &Wish::default())?);
    Ok(())
}

/// How requests to the provider of that name are put in words: without its key, for what asks nobody. `None` when
/// it is not known.
pub(crate) fn wording(config: &Config, name: &str) -> Option<HttpOptions> {
    if name.contains("://") {
        return HttpOptions::chat(name).ok();
    }
    let own = address(config, name).ok();
    let own = own.and_then(|url| in_protocol_of(config, Some(name), &url).ok());
    // Where a server is does not change what it is asked.
    own.or_else(|| HttpOptions::new(preset(name)?.protocol, "localhost").ok())
}

/// How to reach the server of `--base-url`: it is talked to as `lender`, the provider that the same
/// command names, and gets its key, unless there is one for it.
pub(crate) fn options_at(
    config: &Config,
    url: &str,
    lender: Option<&str>,
) -> Result<HttpOptions, Failure> {
    let options = in_protocol_of(config, lender, url)?;
    let key = match (env::text("BRANCHWORK_API_KEY"), lender) {
        (Some(key), _) => Some(Secret::new(key)),
        (None, Some(lender)) => keys::find(config, lender)?.map(|found| found.key),
        (None, None) => None,
    };
    Ok(with_key(options, key))
}

/// How to reach the provider of that name.
pub(crate) fn options(config: &Config, name: &str) -> Result<HttpOptions, Failure> {
    options_with(config, name, keys::find(config, name)?.map(|found| found.key))
}

/// The same with the key that was found, when one was.
pub(crate) fn options_with(
    config: &Config,
    name: &str,
    key: Option<Secret>,
) -> Result<HttpOptions, Failure> {
    let (known, own, url) = (preset(name), config.providers.get(name), address(config, name)?);
    let is_own_server = own.is_some_and(|own| own.base_url.is_some());
    let is_named = own.is_some_and(|own| own.key_env.is_some() || own.key_file.is_some());
    // A key that is named is meant; a server of one's own, or on this machine, may want none.
    let may_lack = !is_named && (is_own_server || known.is_none_or(|preset| preset.is_local));
    if key.is_none() && !may_lack {
        return Err(keys::missing(config, name));
    }
    Ok(with_key(in_protocol_of(config, Some(name), &url)?, key))
}

/// Where the provider of that name is.
fn address(config: &Config, name: &str) -> Result<String, Failure> {
    let known = preset(name);
    let own = config.providers.get(name);
    own.and_then(|own| own.base_url.clone())
        .or_else(|| url_of_environment(name))
        .or_else(|| known.and_then(|preset| env::text(preset.base_url_variable)))
        .or_else(|| known.map(|preset| preset.base_url.to_owned()).filter(|url| !url.is_empty()))
        .ok_or_else(|| match known {
            Some(preset) => homeless(preset),
            None => unknown(config, name),
        })
}

/// The server at `url`, talked to as the provider `name`: in the protocol that the configuration file
/// says and in the dialect of the known provider. Of what neither knows, the host says the dialect.
fn in_protocol_of(
    config: &Config,
    name: Option<&str>,
    url: &str,
) -> Result<HttpOptions, InvalidBaseUrl> {
    let own = name.and_then(|name| config.providers.get(name)?.protocol);
    let known = name.and_then(preset).map(|preset| preset.protocol);
    let protocol = match (own, known) {
        (Some(own), Some(known)) if own.as_str() != known.as_str() => Some(own),
        (own, known) => known.or(own),
    };
    match protocol.filter(|protocol| *protocol != Protocol::Chat(Dialect::COMMON)) {
        Some(protocol) => HttpOptions::new(protocol, url),
        None => HttpOptions::chat(url),
    }
}

fn with_key(options: HttpOptions, key: Option<Secret>) -> HttpOptions {
    match key {
        Some(key) => options.with_key(key),
        None => options,
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
async fn on_this_machine(world: &World, wish: &Wish) -> Result<Target, Failure> {
    let probes = LOCAL.iter().filter_map(|name| preset(name)).map(probe);
    let found = join_all(probes).await.into_iter().flatten().next();
    let Some((preset, model)) = found else {
        return Err(Failure::new(Code::Provider, "no model is set, and no server was found here")
            .with_hint(
                "set one: `branchwork config set model openai:gpt-5-mini`, and `branchwork keys set openai`\n\
                 or start one: Ollama, LM Studio or llama.cpp on its usual port, or give --base-url",
            ));
    };
    let options = HttpOptions::new(preset.protocol, &local_url(preset))?;
    let handle = around(world, preset.name, options, wish)?;
    Ok(Target { handle, provider: preset.name.to_owned(), model })
}

/// Asks a server on this machine which model it serves first.
pub(crate) async fn probe(preset: &'static Preset) -> Option<(&'static Preset, String)> {
    let options = HttpOptions::new(preset.protocol, &local_url(preset)).ok()?;
    let provider = HttpProvider::new(options.with_probe_timeout(PROBE_WAIT)).ok()?;
    let models = provider.models().await.ok()?;
    Some((preset, models.into_iter().next()?.id))
}

fn local_url(preset: &Preset) -> String {
    url_of_environment(preset.name).unwrap_or_else(|| preset.base_url.to_owned())
}

/// The servers of this machine that are looked for.
pub(crate) fn local_presets() -> impl Iterator<Item = &'static Preset> {
    LOCAL.iter().filter_map(|name| preset(name))
}
