//! Names of tools that every provider takes, and no two alike.

use std::collections::BTreeSet;

/// Letters of a name that every provider takes.
const NAME_CHARS_MAX: usize = 64;

/// Names for the tools of one server, in their order. Each follows from the names of the server and the
/// tool, and from which others there are; not from their order, so that it lasts.
///
/// A letter that providers refuse becomes `_`. A name that is too long, or that would then be another one's,
/// ends with digits that follow from what it was.
pub(crate) fn names(server: &str, tools: &[&str]) -> Vec<String> {
    let plain: Vec<String> =
        tools.iter().map(|tool| format!("{server}__{}", cleaned(tool))).collect();
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&String> = plain.iter().filter(|name| !seen.insert(*name)).collect();
    let each = plain.iter().zip(tools);
    each.map(|(name, tool)| {
        let is_itself = name.ends_with(tool) && name.len() == server.len() + 2 + tool.len();
        if name.len() <= NAME_CHARS_MAX && (is_itself || !twice.contains(name)) {
            return name.clone();
        }
        let digits = format!("_{:08x}", hash(tool));
        let kept: String = name.chars().take(NAME_CHARS_MAX - digits.len()).collect();
        kept + &digits
    })
    .collect()
}

fn cleaned(tool: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    tool.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}

/// FNV-1a: the same in every version and on every machine, as names stand in histories.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_distinct_and_lasting() {
        let long = "x".repeat(80);
        let tools = ["add", "files.read", "files_read", "files/read", "größe", &long, ""];
        let made = names("srv", &tools);
        assert_eq!(made[0], "srv__add");
        assert_eq!(made[2], "srv__files_read", "a name that needs no change has none");
        assert_eq!(made[4], "srv__gr__e");
        assert_eq!(made[6], "srv__");
        assert!(made[1].starts_with("srv__files_read_") && made[3].starts_with("srv__files_read_"));
        assert_eq!(made[5].len(), 64);
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), tools.len());
        let mut reversed = tools;
        reversed.reverse();
        assert!(names("srv", &reversed).iter().rev().eq(&made), "the order does not matter");
    }
}
