//! Identifiers of calls for servers that want them of one form.

use std::borrow::Cow;

use crate::{dialect::CallIds, hash::hash};

const LENGTH: usize = 9;

/// "string too long. Expected a string with maximum length 40".
const LENGTH_MAX: usize = 40;

/// `id` as the server takes it. The same identifier always gives the same.
pub(super) fn call_id(id: &str, form: CallIds) -> Cow<'_, str> {
    let is_plain = || id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match form {
        CallIds::FortyCharacters if id.len() > LENGTH_MAX => {
            Cow::Owned(format!("call_{:016x}", hash(id)))
        }
        CallIds::NineLettersOrDigits if id.len() != LENGTH || !is_plain() => {
            Cow::Owned(digits_of(id))
        }
        _ => Cow::Borrowed(id),
    }
}

/// Nine decimal digits made from `id`.
fn digits_of(id: &str) -> String {
    format!("{:09}", hash(id) % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_another_form_become_nine_digits_always_the_same() {
        assert_eq!(call_id("call_1", CallIds::Any), "call_1");
        assert_eq!(call_id("D681PevKs", CallIds::NineLettersOrDigits), "D681PevKs");
        let made = call_id("call_1", CallIds::NineLettersOrDigits);
        assert_eq!((made.len(), &made), (9, &call_id("call_1", CallIds::NineLettersOrDigits)));
        assert_ne!(made, call_id("call_2", CallIds::NineLettersOrDigits));
    }

    #[test]
    fn identifiers_that_are_too_long_become_short_ones_always_the_same() {
        let limit = "functions.look:0".to_owned() + &"x".repeat(24);
        assert_eq!(call_id(&limit, CallIds::FortyCharacters), limit);
        let (long, other) = (limit.clone() + "a", limit + "b");
        assert_eq!(call_id(&long, CallIds::Any), long);
        let made = call_id(&long, CallIds::FortyCharacters);
        assert!(made.len() <= LENGTH_MAX && made == call_id(&long, CallIds::FortyCharacters));
        assert_ne!(made, call_id(&other, CallIds::FortyCharacters));
    }
}
