//! The body of the fuzz target that reads placements' names and options.

use crate::Spec;

/// Reads bytes as a placement with options; what is read must read the same after it was written.
///
/// # Panics
/// If something is wrong with the code under test.
pub fn check_spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(spec) = text.parse::<Spec>() {
        assert_eq!(spec.to_string().parse().as_ref(), Ok(&spec), "{text:?} as {spec}");
    }
}
