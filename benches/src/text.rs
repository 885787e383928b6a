//! Texts of one KiB, all different.

/// Words of the texts.
const WORDS: [&str; 16] = [
    "harbour", "lantern", "orchard", "velvet", "timber", "saffron", "meadow", "granite", "ember",
    "willow", "copper", "thistle", "marble", "cinder", "juniper", "quarry",
];

/// A text of exactly 1,024 bytes, different for each `number`.
pub fn kibibyte(number: u64) -> String {
    let mut text = format!("message {number}:");
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < 1_024 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = usize::try_from(state % 16).unwrap_or_default();
        text.push(' ');
        text.push_str(WORDS.get(index).copied().unwrap_or_default());
    }
    text.truncate(1_024);
    text
}
