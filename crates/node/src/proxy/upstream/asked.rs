//! The keys that clients have asked for in lines of many, until they are answered.

/// Bytes that are answered and still kept, at most, beside as many that are not.
const PASSED_MAX: usize = 16 * 1024;

/// Keys with a space before each, as they stand in lines, first come first.
#[derive(Default)]
pub(super) struct Asked {
    bytes: Vec<u8>,
    /// How many are answered.
    passed: usize,
}

impl Asked {
    /// Takes the keys of a line.
    pub(super) fn push(&mut self, line: &[u8]) {
        if self.passed > PASSED_MAX.max(self.bytes.len() / 2) {
            self.bytes.drain(..self.passed);
            self.passed = 0;
        }
        self.bytes.extend_from_slice(line);
    }

    /// The first key, which takes so many bytes with its space.
    #[inline]
    pub(super) fn first(&self, text: u32) -> &[u8] {
        self.bytes.get(self.passed + 1..self.passed + text as usize).unwrap_or_default()
    }

    /// All that are not answered.
    #[inline]
    pub(super) fn texts(&self) -> &[u8] {
        &self.bytes[self.passed..]
    }

    /// So many bytes are answered.
    #[inline]
    pub(super) fn pass(&mut self, text: u32) {
        self.passed += text as usize;
        if self.passed >= self.bytes.len() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * PASSED_MAX);
        self.passed = 0;
    }
}
