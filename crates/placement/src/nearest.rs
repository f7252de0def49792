//! The name that was probably meant.

/// The candidate that takes the fewest edits (a letter put in, left out, replaced or swapped with the next), not counting
/// case; the first of several.
pub(crate) fn nearest<T>(
    name: &str,
    candidates: impl Iterator<Item = T>,
    of: impl Fn(&T) -> &str,
) -> Option<T> {
    // A name has no more; what is longer is compared by its beginning, which bounds the work.
    let name: String = name.chars().take(64).flat_map(char::to_lowercase).collect();
    candidates.min_by_key(|candidate| strsim::osa_distance(&name, &of(candidate).to_lowercase()))
}
