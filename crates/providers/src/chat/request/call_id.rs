//! Identifiers of calls for servers that want them of one form.

use std::borrow::Cow;

use crate::{dialect::CallIds, hash::hash};

const LENGTH: usize = 9;

/// `id` as the server takes it. The same identifier always gives the same.
pub(super) fn call_id(id: &str, form: CallIds) -> Cow<'_, str> {
    let is_taken = match form {
        CallIds::Any => true,
        CallIds::NineLettersOrDigits => {
            id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
    };
    if is_taken { Cow::Borrowed(id) } else { Cow::Owned(digits_of(id)) }
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
}
