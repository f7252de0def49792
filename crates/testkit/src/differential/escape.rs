//! Bytes as people read them.

use std::fmt::{self, Write as _};

/// Shows bytes with escapes, and a long run of one byte as its length.
pub(crate) struct Escaped<'b>(pub(crate) &'b [u8]);

/// A run longer than this is shown as `x{1048576 times}`.
const RUN_SHOWN_MAX: usize = 40;

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in self.0.chunk_by(|a, b| a == b) {
            let shown = if run.len() > RUN_SHOWN_MAX { 1 } else { run.len() };
            for byte in &run[..shown] {
                for char in std::ascii::escape_default(*byte) {
                    f.write_char(char.into())?;
                }
            }
            if shown < run.len() {
                write!(f, "{{{} times}}", run.len())?;
            }
        }
        Ok(())
    }
}

#[test]
fn long_runs_are_counted() {
    let mut bytes = vec![b'x'; 100];
    bytes.extend_from_slice(b"\r\n\x80aa");
    assert_eq!(Escaped(&bytes).to_string(), "x{100 times}\\r\\n\\x80aa");
}
