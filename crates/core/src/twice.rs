//! Finding what is there twice where each must be there once.

/// One of `items` that is there twice. Sorts them: `n log n`.
pub(crate) fn twice<T: Ord + Copy>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    let pair = items.windows(2).find(|pair| matches!(pair, [one, next] if one == next));
    pair.and_then(|pair| pair.first().copied())
}
