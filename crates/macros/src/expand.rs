//! The tool that a function becomes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, ItemFn, Result};

use crate::{
    function::{Function, Parameter, Role},
    options::Options,
};

/// Expands the attribute with `options` on `item`.
pub(crate) fn tool(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse(options)?;
    let item: ItemFn = syn::parse2(item).map_err(|error| {
        syn::Error::new(error.span(), format!("a tool is made of a function: {error}"))
    })?;
    let function = Function::of(item)?;
    Ok(maker(&options, &function))
}

/// The function that makes the tool.
fn maker(options: &Options, function: &Function) -> TokenStream {
    let Function { item, .. } = function;
    let (attributes, visibility, name) = (&item.attrs, &item.vis, &item.sig.ident);
    let given = function.of_role(Role::Given).map(|Parameter { name, of, .. }| quote!(#name: #of));
    let (arguments, tool) = (arguments(function), made(options, function));
    let mut inner = item.clone();
    inner.attrs.clear();
    inner.vis = syn::Visibility::Inherited;
    quote! {
        #(#attributes)*
        #[must_use]
        #visibility fn #name(#(#given),*) -> ::branchwork::tools::FunctionTool {
            #arguments
            #inner
            #tool
        }
    }
}

/// The struct that arguments are read into.
fn arguments(function: &Function) -> TokenStream {
    let fields = function
        .of_role(Role::Argument)
        .map(|Parameter { name, of, attributes, .. }| quote!(#(#attributes)* #name: #of));
    quote! {
        #[derive(::branchwork::tools::serde::Deserialize, ::branchwork::tools::schemars::JsonSchema)]
        #[serde(crate = "::branchwork::tools::serde", deny_unknown_fields)]
        #[schemars(crate = "::branchwork::tools::schemars")]
        struct __Arguments { #(#fields),* }
    }
}

/// The tool, made and with its options.
fn made(options: &Options, function: &Function) -> TokenStream {
    let Options { name, effect, ask, serial, timeout } = options;
    let (signature, description) = (&function.item.sig, &function.description);
    let name = name.as_ref().map_or_else(|| signature.ident.to_string(), syn::LitStr::value);
    let given: Vec<&Ident> = function.of_role(Role::Given).map(|given| &given.name).collect();
    let call = call(function);
    let make = if signature.asyncness.is_some() {
        quote!(with_context)
    } else {
        quote!(blocking_with_context)
    };
    let ask = ask.then(|| quote!(.with_approval()));
    let serial = serial.then(|| quote!(.with_serial_calls()));
    let timeout = timeout.as_ref().map(|timeout| quote!(.with_timeout(#timeout)));
    let effect = effect
        .as_ref()
        .map(|effect| quote!(.with_effect(::branchwork::tools::ToolEffect::#effect)));
    quote! {
        let __call = move |__arguments: __Arguments, __context: ::branchwork::tools::ToolContext| {
            #(let #given = ::core::clone::Clone::clone(&#given);)*
            #call
        };
        ::branchwork::tools::FunctionTool::#make(#name, #description, __call)
            #effect #ask #serial #timeout
    }
}

/// The call of the function, with what each parameter gets.
fn call(function: &Function) -> TokenStream {
    let name = &function.item.sig.ident;
    let values = function.parameters.iter().map(|Parameter { role, name, .. }| match role {
        Role::Argument => quote!(__arguments.#name),
        Role::Given => quote!(#name),
        Role::Context => quote!(__context),
    });
    quote!(#name(#(#values),*))
}
