//! Keys: checked once, hashed once.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A key of 1 to 250 bytes, any bytes: the meta protocol's base64 keys may hold spaces and line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key<'k>(&'k [u8]);

/// Why some bytes are not a [`Key`]. Nothing was looked up or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A key has at least one byte.
    #[error("a key cannot be empty")]
    Empty,
    /// A key has at most [`Key::BYTES_MAX`] bytes.
    #[error("a key has at most 250 bytes, this one has {bytes}")]
    TooLong {
        /// How long it was.
        bytes: usize,
    },
}

impl<'k> Key<'k> {
    /// The longest key memcached takes.
    pub const BYTES_MAX: usize = 250;

    /// Checks the length, which is all there is to check.
    #[inline]
    pub fn new(bytes: &'k [u8]) -> Result<Key<'k>, KeyError> {
        match bytes.len() {
            0 => Err(KeyError::Empty),
            1..=Self::BYTES_MAX => Ok(Key(bytes)),
            bytes => Err(KeyError::TooLong { bytes }),
        }
    }

    /// The bytes given to [`Key::new`].
    pub fn as_bytes(self) -> &'k [u8] {
        self.0
    }
}

/// A key with the hash that places it.
///
/// The high bits choose the shard and the low 32 are the tag that orders the shard's index; the two must not overlap,
/// or every shard would use only a slice of its index. That holds for up to 2^32 shards.
#[derive(Clone, Copy)]
pub(crate) struct Hashed<'k> {
    pub(crate) key: &'k [u8],
    hash: u64,
}

impl<'k> Hashed<'k> {
    #[inline]
    pub(crate) fn new(key: Key<'k>, seed: u64) -> Hashed<'k> {
        Hashed { key: key.0, hash: xxh3_64_with_seed(key.0, seed) }
    }

    /// Which of `1 << shard_bits` shards.
    #[inline]
    pub(crate) fn shard(self, shard_bits: u32) -> usize {
        // Shifting by 64, for a single shard, is not defined; one by one it is, and costs nothing.
        (self.hash >> 1 >> (63 - shard_bits)) as usize
    }

    #[inline]
    pub(crate) fn tag(self) -> u32 {
        self.hash as u32
    }
}

/// The tag of a key already stored, for finding its index entry from its record.
#[inline]
pub(crate) fn tag_of(key: &[u8], seed: u64) -> u32 {
    xxh3_64_with_seed(key, seed) as u32
}
