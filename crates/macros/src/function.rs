//! The function that becomes a tool, taken apart.

use proc_macro2::Span;
use syn::{
    Attribute, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, Meta, Pat, PatType, Result, Signature,
    Type, spanned::Spanned as _,
};

/// A function that can be a tool.
pub(crate) struct Function {
    /// What the model is told of it.
    pub(crate) description: String,
    /// The function, with parameters as plain Rust has them.
    pub(crate) item: ItemFn,
    pub(crate) parameters: Vec<Parameter>,
}

/// A parameter of it.
pub(crate) struct Parameter {
    pub(crate) role: Role,
    pub(crate) name: Ident,
    pub(crate) of: Type,
    /// What was written before it, for the field that it becomes.
    pub(crate) attributes: Vec<Attribute>,
}

/// Where a parameter comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The model gives it with each call.
    Argument,
    /// The program gives it when it makes the tool.
    Given,
    /// The engine tells which call it is.
    Context,
}

impl Function {
    pub(crate) fn of(mut item: ItemFn) -> Result<Self> {
        check(&item.sig)?;
        let description = description(&item.attrs);
        if description.is_empty() {
            let problem = "a tool has a comment: it is what the model is told of it";
            return Err(syn::Error::new(item.sig.ident.span(), problem));
        }
        let parameters = item.sig.inputs.iter_mut().map(Parameter::take);
        let parameters = parameters.collect::<Result<Vec<_>>>()?;
        let is_context = |parameter: &&Parameter| parameter.role == Role::Context;
        if let Some(second) = parameters.iter().filter(is_context).nth(1) {
            return Err(syn::Error::new(second.name.span(), "one context is enough"));
        }
        Ok(Self { description, item, parameters })
    }

    /// The parameters of a role.
    pub(crate) fn of_role(&self, role: Role) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.role == role)
    }
}

/// Refuses what no tool can be.
fn check(signature: &Signature) -> Result<()> {
    let error = |span: Span, problem: &str| Err(syn::Error::new(span, problem));
    if !signature.generics.params.is_empty() {
        let problem = "a tool has no generic parameters: one schema tells all";
        return error(signature.generics.span(), problem);
    }
    if let Some(receiver) = signature.receiver() {
        let problem = "a tool is no method; give it what it needs with `#[given]`";
        return error(receiver.span(), problem);
    }
    if let Some(constant) = &signature.constness {
        return error(constant.span(), "a tool is no `const fn`");
    }
    Ok(())
}

/// The comment that `attributes` are, without the space that follows each `///`.
fn description(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> =
        lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

impl Parameter {
    /// Takes what only a tool has out of a parameter.
    fn take(input: &mut FnArg) -> Result<Self> {
        let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else {
            return Err(syn::Error::new(input.span(), "a tool is no method"));
        };
        let Pat::Ident(name) = pat.as_ref() else {
            return Err(syn::Error::new(pat.span(), "a parameter of a tool is one name"));
        };
        if let Type::Reference(reference) = ty.as_ref() {
            let problem = "a call owns its arguments: take a `String` or an `Arc`";
            return Err(syn::Error::new(reference.span(), problem));
        }
        let mut attributes = std::mem::take(attrs);
        let is_given = |attribute: &Attribute| attribute.path().is_ident("given");
        let role = if attributes.iter().any(is_given) {
            Role::Given
        } else if is_context(ty) {
            Role::Context
        } else {
            Role::Argument
        };
        attributes.retain(|attribute| !is_given(attribute));
        let (name, of) = (name.ident.clone(), ty.as_ref().clone());
        Ok(Self { role, name, of, attributes })
    }
}

fn is_context(of: &Type) -> bool {
    let Type::Path(path) = of else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "ToolContext")
}
