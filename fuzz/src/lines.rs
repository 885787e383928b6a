//! Changes of whole lines, beside those of bytes that libFuzzer makes: what is read here is made of lines.

use crate::cuts::Dice;

/// Lines that are moved at once, at most.
const MOVED_MAX: usize = 4;

/// Changes the first `size` bytes of `data` and answers how many there are then: by `bytes`, or by lines that
/// are left out, doubled, exchanged or put elsewhere.
pub fn mutated(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    bytes: impl FnOnce(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut dice = Dice::new(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let lines: Vec<Vec<u8>> =
        data[..size].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.len() < 2 || dice.below(4) > 0 {
        return bytes(data, size, max_size);
    }
    let changed = moved(lines, &mut dice).concat();
    let size = changed.len().min(max_size);
    data[..size].copy_from_slice(&changed[..size]);
    size
}

fn moved(mut lines: Vec<Vec<u8>>, dice: &mut Dice) -> Vec<Vec<u8>> {
    let start = dice.below(lines.len());
    let end = (start + 1 + dice.below(MOVED_MAX)).min(lines.len());
    match dice.below(4) {
        0 => drop(lines.drain(start..end)),
        1 => {
            let (copy, to) = (lines[start..end].to_vec(), dice.below(lines.len() + 1));
            lines.splice(to..to, copy);
        }
        2 => {
            let taken: Vec<_> = lines.drain(start..end).collect();
            let to = dice.below(lines.len() + 1);
            lines.splice(to..to, taken);
        }
        _ => {
            let to = dice.below(lines.len());
            lines.swap(start, to);
        }
    }
    lines
}
