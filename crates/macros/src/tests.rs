use quote::quote;

use crate::expand::tool;

/// Why the attribute refuses `item`.
fn refused(options: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> String {
    tool(options, item).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_a_tool_is_refused_and_told_what_would_be_right() {
    for (item, problem) in [
        (
            quote!(
                struct Add;
            ),
            "a tool is made of a function: expected `fn`",
        ),
        (
            quote! { async fn add(a: i64) {} },
            "a tool has a comment: it is what the model is told of it",
        ),
        (
            quote! { #[doc = " Adds."] async fn add<T>(a: T) {} },
            "a tool has no generic parameters: one schema tells all",
        ),
        (
            quote! { #[doc = " Adds."] async fn add(&self) {} },
            "a tool is no method; give it what it needs with `#[given]`",
        ),
        (
            quote! { #[doc = " Adds."] async fn add((a, b): (i64, i64)) {} },
            "a parameter of a tool is one name",
        ),
        (
            quote! { #[doc = " Adds."] async fn add(a: &str) {} },
            "a call owns its arguments: take a `String` or an `Arc`",
        ),
        (
            quote! { #[doc = " Adds."] async fn add(a: ToolContext, b: tools::ToolContext) {} },
            "one context is enough",
        ),
        (quote! { #[doc = " Adds."] const fn add(a: i64) {} }, "a tool is no `const fn`"),
    ] {
        assert_eq!(refused(quote!(), item), problem);
    }
}

#[test]
fn options_are_those_that_are_known_and_said_once() {
    let item =
        quote! { #[doc = " Adds."] async fn add(a: i64) -> Result<i64, ToolError> { Ok(a) } };
    for (options, problem) in [
        (quote!(effects = Pure), "the options are `name`, `effect`, `ask`, `serial`, `timeout`"),
        (quote!(effect = Harmless), "the effects are `Pure`, `Idempotent`, `AtMostOnce`"),
        (quote!(serial, serial), "it is said twice"),
        (quote!(name = add), "expected string literal"),
        (quote!(tool::name = "add"), "an option is one word"),
    ] {
        assert_eq!(refused(options, item.clone()), problem);
    }
    let options = quote!(name = "plus", effect = Pure, serial, timeout = Duration::from_secs(1));
    let made = tool(options, item).unwrap().to_string();
    for part in ["\"plus\" , \"Adds.\"", "ToolEffect :: Pure", "with_serial_calls ()"] {
        assert!(made.contains(part), "{made}");
    }
}
