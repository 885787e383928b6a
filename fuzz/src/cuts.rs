//! Where a stream is cut: by its own bytes, so that the same input is always cut alike.

/// The longest stream that is also fed byte by byte.
const SINGLY_MAX: usize = 4 * 1024;

/// The ways in which `data` is cut beside being left whole.
pub(crate) fn ways(data: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut ways = vec![cut(data, Dice::of(data, 1), 7), cut(data, Dice::of(data, 2), 200)];
    if data.len() <= SINGLY_MAX {
        ways.push(data.chunks(1).collect());
    }
    ways
}

/// `data` in pieces of at most `longest` bytes, empty ones among them.
fn cut(mut data: &[u8], mut dice: Dice, longest: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !data.is_empty() {
        let (piece, rest) = data.split_at(dice.below(longest + 1).min(data.len()));
        pieces.push(piece);
        data = rest;
    }
    pieces
}

/// Numbers that follow from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall as `data` says, in the series of that number.
    pub(crate) fn of(data: &[u8], series: u64) -> Self {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self::new(data.iter().fold(0xcbf2_9ce4_8422_2325 ^ series, mix))
    }

    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}
