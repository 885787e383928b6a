//! Tools made of functions.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork_core::tool::{
    Policy, Tool, ToolContext, ToolEffect, ToolError, ToolOutput, ToolSpec,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

type Function = Arc<dyn Fn(Value, ToolContext) -> Running + Send + Sync>;

/// A call that goes on.
type Running = BoxFuture<'static, Result<ToolOutput, ToolError>>;

/// A tool made of a function.
///
/// ```
/// use branchwork::tools::{FunctionTool, ToolError, schemars::{self, JsonSchema}};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Add {
///     /// The first number.
///     a: i64,
///     /// The second one; 1 when left out.
///     #[serde(default = "one")]
///     b: i64,
/// }
/// fn one() -> i64 { 1 }
///
/// let add = FunctionTool::new("add", "Adds two numbers.", async |add: Add| {
///     Ok::<_, ToolError>(add.a + add.b)
/// });
/// # let _ = add;
/// ```
#[derive(Clone)]
pub struct FunctionTool {
    spec: ToolSpec,
    timeout: Option<Duration>,
    effect: ToolEffect,
    policy: Judgement,
    serial: bool,
    function: Function,
}

/// What is said of a call with these arguments.
type Judgement = Arc<dyn Fn(&Value) -> Policy + Send + Sync>;

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec, timeout, effect, .. } = self;
        let mut debug = f.debug_struct("FunctionTool");
        debug.field("name", &spec.name).field("timeout", timeout).field("effect", effect);
        debug.finish_non_exhaustive()
    }
}

impl FunctionTool {
    /// A tool that runs an async function. The schema of its arguments follows from their type:
    /// the comments of its fields become descriptions, and a field with a default may be left out.
    pub fn new<A, R, F>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        R: Serialize,
        F: Future<Output = Result<R, ToolError>> + Send + 'static,
    {
        Self::with_context(name, description, move |arguments, _| function(arguments))
    }

    /// As [`new`](Self::new), for a function that is told of its call.
    pub fn with_context<A, R, F>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A, ToolContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        R: Serialize,
        F: Future<Output = Result<R, ToolError>> + Send + 'static,
    {
        Self::with_output(name, description, move |arguments, context| {
            let running = function(arguments, context);
            async move { Ok(to_value(running.await?)?.into()) }
        })
    }

    /// As [`with_context`](Self::with_context), for a function that says more than what the model is told:
    /// which mails that tells of.
    pub fn with_output<A, F>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A, ToolContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        F: Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
    {
        let call = move |arguments: Value, context| match serde_json::from_value(arguments) {
            Ok(arguments) => function(arguments, context).boxed(),
            Err(error) => std::future::ready(Err(ToolError::because(error))).boxed(),
        };
        let spec = spec(name.into(), description.into(), schema_of::<A>());
        Self::made(spec, Arc::new(call))
    }

    /// A tool that runs a blocking function, on a thread that may block. Such a call cannot be
    /// stopped: when its time is over it runs on, and nobody hears of it.
    pub fn blocking<A, R>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A) -> Result<R, ToolError> + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + Send + 'static,
    {
        Self::blocking_with_context(name, description, move |arguments, _| function(arguments))
    }

    /// As [`blocking`](Self::blocking), for a function that is told of its call.
    pub fn blocking_with_context<A, R>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A, ToolContext) -> Result<R, ToolError> + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let function = Arc::new(function);
        Self::with_context(name, description, move |arguments: A, context| {
            let function = Arc::clone(&function);
            async move {
                let running = tokio::task::spawn_blocking(move || function(arguments, context));
                running.await.map_err(ToolError::because)?
            }
        })
    }

    /// A tool whose arguments are described by a JSON Schema, and given as JSON.
    pub fn dynamic<F>(
        spec: ToolSpec,
        function: impl Fn(Value, ToolContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Value, ToolError>> + Send + 'static,
    {
        let function = move |arguments, context| {
            function(arguments, context).map(|given| given.map(ToolOutput::from)).boxed()
        };
        Self::made(spec, Arc::new(function))
    }

    fn made(spec: ToolSpec, function: Function) -> Self {
        let (effect, policy) = (ToolEffect::default(), Arc::new(|_: &Value| Policy::Allow));
        Self { spec, timeout: None, effect, policy, serial: false, function }
    }

    /// Says what a call does to the world: at most once, when this is not said.
    #[must_use]
    pub const fn with_effect(mut self, effect: ToolEffect) -> Self {
        self.effect = effect;
        self
    }

    /// Lets a person be asked before a call runs: the turn is [parked](crate::Error::Parked).
    #[must_use]
    pub fn with_approval(self) -> Self {
        self.with_policy(|_| Policy::Ask)
    }

    /// Says by its arguments whether a call may run. The same for the same arguments, always.
    #[must_use]
    pub fn with_policy(
        mut self,
        policy: impl Fn(&Value) -> Policy + Send + Sync + 'static,
    ) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Runs the calls of one answer one after the other, in their order.
    #[must_use]
    pub const fn with_serial_calls(mut self) -> Self {
        self.serial = true;
        self
    }

    /// Gives each call this long; one that takes longer has failed.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

#[async_trait]
impl Tool for FunctionTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    fn effect(&self) -> ToolEffect {
        self.effect
    }

    fn policy(&self, arguments: &Value) -> Policy {
        (self.policy)(arguments)
    }

    fn is_serial(&self) -> bool {
        self.serial
    }

    async fn call(&self, arguments: Value, context: ToolContext) -> Result<ToolOutput, ToolError> {
        (self.function)(arguments, context).await
    }
}

fn to_value(result: impl Serialize) -> Result<Value, ToolError> {
    serde_json::to_value(result).map_err(|error| {
        ToolError::new(format!("the tool ran, and what it gave has no JSON form: {error}"))
    })
}

/// The schema of a type, in one piece: some servers refuse references.
pub(crate) fn schema_of<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<A>().to_value()
}

fn spec(name: String, description: String, mut parameters: Value) -> ToolSpec {
    if let Some(schema) = parameters.as_object_mut() {
        // The name of a Rust type tells a model nothing.
        schema.remove("title");
        // An object without fields, as servers want it.
        schema.entry("type").or_insert_with(|| "object".into());
        schema.entry("properties").or_insert_with(|| Map::new().into());
    }
    ToolSpec { name, description, parameters }
}
