//! What is put around providers: retries, limits, timeouts and the like, as options and the configuration
//! file say, and other providers to fall back to.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use branchwork::{
    core::{nearest::nearest, provider::Provider},
    providers::{
        HttpOptions, HttpProvider,
        wrap::{
            CacheOptions, Circuit, CircuitOptions, Fallback, InvalidLimit, Limiter, Limits,
            RetryOptions, Stack, TimeoutOptions,
        },
    },
    reference::ModelReference,
};

use crate::{
    args::{Resilience, Wish},
    config::Config,
    exit::Failure,
    provider,
    recording::recorded,
    world::World,
};

/// How long a server may be silent when no longer time is said.
const SILENCE: Duration = Duration::from_mins(5);

/// Providers that were put together, by their names and addresses: all who ask one share its limits.
#[derive(Debug, Default)]
pub(crate) struct Handles(RefCell<BTreeMap<(String, String), Arc<dyn Provider>>>);

/// Whom to ask when a provider cannot answer, and for which model, when it is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    provider: String,
    model: Option<String>,
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}:{model}", self.provider),
            None => f.write_str(&self.provider),
        }
    }
}

impl Other {
    /// The one that stands in for `first`, by what a person writes: a provider, an alias, or
    /// `provider:model`.
    ///
    /// # Errors
    ///
    /// A clause that says what is wrong with it.
    pub(crate) fn parse(config: &Config, first: &str, text: &str) -> Result<Self, String> {
        let other = if provider::is_known(config, text) {
            Self { provider: text.to_owned(), model: None }
        } else {
            let named = config.aliases.get(text).map_or(text, String::as_str);
            match ModelReference::parse(named) {
                Ok(ModelReference { provider: Some(provider), model })
                    if provider::is_known(config, &provider) =>
                {
                    Self { provider, model: Some(model) }
                }
                Ok(ModelReference { provider, model }) => {
                    return Err(unknown(config, &provider.unwrap_or(model)));
                }
                Err(error) => return Err(format!("`{text}`: {error}")),
            }
        };
        if other.provider == first && other.model.is_none() {
            return Err(format!("`{first}` cannot stand in for itself; `{first}:MODEL` can"));
        }
        Ok(other)
    }
}

fn unknown(config: &Config, name: &str) -> String {
    let near = nearest(name, provider::names(config).into_iter());
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no provider `{name}`{near}")
}

/// The provider `name`, which `options` reach, with all around it that is to be: what `said` says, else what
/// the configuration file does.
pub(crate) fn around(
    world: &World,
    name: &str,
    options: HttpOptions,
    wish: &Wish,
) -> Result<Arc<dyn Provider>, Failure> {
    let (said, record) = (&wish.resilience, wish.record.as_deref());
    let how = said.or(&of_file(&world.config, name));
    let count = how.fallbacks.len();
    let first = shared(world, name, recorded(options, record)?, (&how, count > 0))?;
    if how.fallbacks.is_empty() {
        return Ok(first);
    }
    let mut others = how.fallbacks.iter().zip(1..);
    let chain = others.try_fold(Fallback::new(first), |chain, (other, place)| {
        let other = Other::parse(&world.config, name, other)
            .map_err(|problem| Failure::usage(format!("`--fallback` of `{name}`: {problem}")))?;
        let options = provider::options(&world.config, &other.provider).map_err(|failure| {
            let message = format!("the fallback `{other}` of `{name}`: {failure}");
            failure.with_message(message)
        })?;
        let how = said.or(&of_file(&world.config, &other.provider));
        let options = recorded(options, record)?;
        let handle = shared(world, &other.provider, options, (&how, place < count))?;
        Ok::<_, Failure>(chain.with(handle, other.model.as_deref()).named(&other.provider))
    })?;
    Ok(Arc::new(chain))
}

fn of_file(config: &Config, name: &str) -> Resilience {
    config.providers.get(name).map(|own| own.resilience.clone()).unwrap_or_default()
}

/// The provider without those to fall back to; the same one for all who ask for it. `has_next` says whether there
/// are any.
fn shared(
    world: &World,
    name: &str,
    options: HttpOptions,
    (how, has_next): (&Resilience, bool),
) -> Result<Arc<dyn Provider>, Failure> {
    let key = (name.to_owned(), options.base_url().to_owned());
    if let Some(handle) = world.handles.0.borrow().get(&key) {
        return Ok(Arc::clone(handle));
    }
    let server = Arc::new(HttpProvider::new(connected(options, how))?);
    let stack = Stack::over(server);
    let stack = if has_next { stack.with_next() } else { stack };
    let stack = with(stack, timeouts(how), Stack::with_timeouts);
    let stack = with(stack, limiter(how)?, Stack::with_limiter);
    let stack = with(stack, circuit(how), Stack::with_circuit);
    let retry = how.retries.map(|count| RetryOptions::new().with_retries_max(count));
    let stack = with(stack, retry, Stack::with_retry);
    let cache = (how.cache == Some(true)).then(CacheOptions::new);
    let handle = with(stack, cache, Stack::with_cache).build();
    world.handles.0.borrow_mut().insert(key, Arc::clone(&handle));
    Ok(handle)
}

/// `options` with what is said, when it is.
fn with<T, V>(options: T, said: Option<V>, set: fn(T, V) -> T) -> T {
    match said {
        Some(value) => set(options, value),
        None => options,
    }
}

/// Silence that is allowed ends no connection.
fn connected(options: HttpOptions, how: &Resilience) -> HttpOptions {
    let options = with(options, how.connect_timeout, HttpOptions::with_connect_timeout);
    let silence = how.first_token_timeout.into_iter().chain(how.between_tokens_timeout).max();
    let silence = silence.filter(|silence| *silence >= SILENCE);
    // A little more, so that the limit which is reached is the one that was said.
    let silence = silence.map(|silence| silence.saturating_add(Duration::from_secs(1)));
    with(options, silence, HttpOptions::with_idle_timeout)
}

fn timeouts(how: &Resilience) -> Option<TimeoutOptions> {
    let Resilience { first_token_timeout, between_tokens_timeout, total_timeout, .. } = how;
    first_token_timeout.or(*between_tokens_timeout).or(*total_timeout)?;
    let options = TimeoutOptions::new();
    let options = with(options, *first_token_timeout, TimeoutOptions::with_first_token);
    let options = with(options, *between_tokens_timeout, TimeoutOptions::with_between_tokens);
    Some(with(options, *total_timeout, TimeoutOptions::with_total))
}

/// `None` where nothing is limited: a limiter also waits when a provider wants to be left alone.
fn limiter(how: &Resilience) -> Result<Option<Limiter>, Failure> {
    let per_minute = [
        how.requests_per_minute,
        how.tokens_per_minute,
        how.input_tokens_per_minute,
        how.output_tokens_per_minute,
    ];
    let [requests, tokens, input, output] = per_minute.map(|limit| limit.map(NonZeroU64::get));
    let calls = how.concurrent_calls.map(NonZeroUsize::get);
    if requests.or(tokens).or(input).or(output).is_none() && calls.is_none() {
        return Ok(None);
    }
    let limits = with(Limits::new(), requests, Limits::with_requests_per_minute);
    let limits = with(limits, tokens, Limits::with_tokens_per_minute);
    let limits = with(limits, input, Limits::with_input_tokens_per_minute);
    let limits = with(limits, output, Limits::with_output_tokens_per_minute);
    Ok(Some(Limiter::new(with(limits, calls, Limits::with_concurrency))?))
}

fn circuit(how: &Resilience) -> Option<Circuit> {
    let failures = how.breaker_failures.map(NonZeroU32::get);
    if failures.is_none() && how.breaker_cool_down.is_none() {
        return None;
    }
    let options = with(CircuitOptions::new(), failures, CircuitOptions::with_failures);
    Some(Circuit::new(with(options, how.breaker_cool_down, CircuitOptions::with_cool_down)))
}

impl From<InvalidLimit> for Failure {
    fn from(error: InvalidLimit) -> Self {
        Self::usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_around_a_provider_when_nothing_is_said() {
        let how = Resilience::default();
        assert!(timeouts(&how).is_none() && circuit(&how).is_none());
        assert!(limiter(&how).unwrap().is_none());
    }

    #[test]
    fn what_is_said_reaches_the_wrappers() {
        let minute = |count| NonZeroU64::new(count);
        let time = |seconds| Some(Duration::from_secs(seconds));
        let how = Resilience {
            requests_per_minute: minute(11),
            tokens_per_minute: minute(12),
            input_tokens_per_minute: minute(13),
            output_tokens_per_minute: minute(14),
            concurrent_calls: NonZeroUsize::new(15),
            connect_timeout: time(16),
            first_token_timeout: time(617),
            between_tokens_timeout: time(18),
            total_timeout: time(19),
            breaker_failures: NonZeroU32::new(20),
            breaker_cool_down: time(21),
            ..Resilience::default()
        };
        let limits = format!("{:?}", limiter(&how).unwrap());
        let each =
            ["requests: Some(11)", "tokens: Some(12)", "input: Some(13)", "output: Some(14)"];
        for limit in each.into_iter().chain(["concurrency: Some(15)"]) {
            assert!(limits.contains(limit), "{limit}: {limits}");
        }
        let circuit = format!("{:?}", circuit(&how));
        assert!(circuit.contains("failures: 20, cool_down: 21s"), "{circuit}");
        let times = format!("{:?}", timeouts(&how));
        assert!(
            times.contains("first_token: Some(617s), between_tokens: Some(18s), total: Some(19s)"),
            "{times}"
        );
        let options = format!("{:?}", connected(HttpOptions::chat("host").unwrap(), &how));
        assert!(options.contains("connect_wait: Some(16s), idle_wait: 618s"), "{options}");
    }

    #[test]
    fn silence_is_as_long_as_ever_when_no_longer_one_is_allowed() {
        let how = Resilience { first_token_timeout: Some(SILENCE / 2), ..Resilience::default() };
        let options = HttpOptions::chat("host").unwrap();
        assert_eq!(format!("{:?}", connected(options.clone(), &how)), format!("{options:?}"));
    }
}
