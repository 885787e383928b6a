//! What is said in the parentheses of the attribute.

use proc_macro2::TokenStream;
use syn::{Expr, Ident, LitStr, Result, parse::Parser as _};

/// The effects that a tool can have, as `ToolEffect` names them.
const EFFECTS: [&str; 3] = ["Pure", "Idempotent", "AtMostOnce"];

/// The options of a tool.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) effect: Option<Ident>,
    pub(crate) ask: bool,
    pub(crate) serial: bool,
    pub(crate) timeout: Option<Expr>,
}

impl Options {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let parser = syn::meta::parser(|meta| {
            let Some(option) = meta.path.get_ident() else {
                return Err(meta.error("an option is one word"));
            };
            let is_again = match option.to_string().as_str() {
                "name" => options.name.replace(meta.value()?.parse()?).is_some(),
                "effect" => options.effect.replace(effect(meta.value()?.parse()?)?).is_some(),
                "ask" => std::mem::replace(&mut options.ask, true),
                "serial" => std::mem::replace(&mut options.serial, true),
                "timeout" => options.timeout.replace(meta.value()?.parse()?).is_some(),
                _ => {
                    return Err(
                        meta.error("the options are `name`, `effect`, `ask`, `serial`, `timeout`")
                    );
                }
            };
            if is_again { Err(meta.error("it is said twice")) } else { Ok(()) }
        });
        parser.parse2(tokens)?;
        Ok(options)
    }
}

fn effect(effect: Ident) -> Result<Ident> {
    if EFFECTS.iter().any(|known| effect == known) {
        return Ok(effect);
    }
    Err(syn::Error::new(effect.span(), "the effects are `Pure`, `Idempotent`, `AtMostOnce`"))
}
