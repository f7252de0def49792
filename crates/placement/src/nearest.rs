//! The name that was probably meant.

/// The candidate that takes the fewest single-character edits, not counting case; the first of several.
pub(crate) fn nearest<T>(
    name: &str,
    candidates: impl Iterator<Item = T>,
    of: impl Fn(&T) -> &str,
) -> Option<T> {
    // A name has no more; what is longer is compared by its beginning, which bounds the work.
    let name: Vec<char> = name.chars().take(64).flat_map(char::to_lowercase).collect();
    candidates.min_by_key(|candidate| edits(&name, of(candidate)))
}

/// Levenshtein's distance, one row at a time.
fn edits(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (at, wanted) in to.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, &have) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(have != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[from.len()]
}
