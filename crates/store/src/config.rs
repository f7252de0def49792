//! What a store is told, and the sizes that follow from it.

/// How large a store is and how it is divided.
///
/// There is no `Default`: how much memory to take is the caller's to say. Start from [`Config::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Bytes for everything the store holds: items, index, bookkeeping and [reservations](crate::Reservation). At least
    /// 1 MiB and twice `item_bytes_max`.
    pub memory_bytes: u64,
    /// The largest item, counted as memcached counts (see [`item_bytes`]): 1 KiB to 1 GiB, 1 MiB unless said
    /// otherwise. Larger items mean fewer shards in the same memory.
    pub item_bytes_max: u32,
    /// How many threads will use the store at once. There are about four shards for each, so that they seldom meet.
    pub parallelism: usize,
    /// Seeds the hash of keys. Should be unpredictable where keys come from strangers; equal seeds make equal stores.
    pub seed: u64,
}

/// Why a [`Config`] cannot be had. Nothing was allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The items would be smaller than memcached allows, or larger than a record's length can say.
    #[error("the largest item is {bytes} bytes; it must be between 1 KiB and 1 GiB")]
    ItemSize {
        /// What was asked for.
        bytes: u32,
    },
    /// One item of the largest size must leave room for others, as in memcached.
    #[error(
        "{memory_bytes} bytes of memory are too few: at least {at_least} are needed with this largest item"
    )]
    MemoryTooSmall {
        /// What was asked for.
        memory_bytes: u64,
        /// What would do.
        at_least: u64,
    },
    /// Beyond 16 TiB, locations do not reach.
    #[error("{memory_bytes} bytes of memory are more than a store can address (16 TiB)")]
    MemoryTooLarge {
        /// What was asked for.
        memory_bytes: u64,
    },
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

impl Config {
    /// Items up to 1 MiB and one thread; change the fields for more.
    pub fn new(memory_bytes: u64, seed: u64) -> Config {
        Config { memory_bytes, item_bytes_max: MIB as u32, parallelism: 1, seed }
    }
}

/// What memcached 1.6.18 counts for an item: 59 bytes and its key, its value and, when not zero, its client flags.
///
/// This is what `stats` shows as `bytes`, what `me` shows as `size`, and what the largest item is measured by, so that
/// the same items are refused. The store itself takes less.
pub fn item_bytes(key_len: usize, flags: u32, value_len: usize) -> u64 {
    let fixed = 59 + if flags == 0 { 0 } else { 4 };
    fixed + key_len as u64 + value_len as u64
}

/// Sizes that every shard works with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    /// There are `1 << shard_bits` shards.
    pub(crate) shard_bits: u32,
    /// Bytes for each when nothing is reserved.
    pub(crate) shard_bytes: u64,
    /// Bytes that reservations must leave to each: an item of the largest size still fits.
    pub(crate) shard_bytes_min: u64,
    pub(crate) segment_bytes: usize,
    pub(crate) item_bytes_max: u64,
    pub(crate) seed: u64,
}

impl Geometry {
    pub(crate) fn of(config: &Config) -> Result<Geometry, ConfigError> {
        let &Config { memory_bytes, item_bytes_max, parallelism, seed } = config;
        let item = u64::from(item_bytes_max);
        if !(KIB..=GIB).contains(&item) {
            return Err(ConfigError::ItemSize { bytes: item_bytes_max });
        }
        let at_least = (2 * item).max(MIB);
        if memory_bytes < at_least {
            return Err(ConfigError::MemoryTooSmall { memory_bytes, at_least });
        }
        if memory_bytes > 16 * 1024 * GIB {
            return Err(ConfigError::MemoryTooLarge { memory_bytes });
        }
        // Enough for the threads, and for large stores so many that growing one shard's index stays short. But a shard
        // must hold several of the largest items, and a few dozen segments of a useful size.
        let wished = (4 * parallelism.max(1) as u64).max(memory_bytes / (256 * MIB)).next_power_of_two();
        let possible = (memory_bytes / (8 * item).max(2 * MIB)).max(1);
        let shard_bits = wished.ilog2().min(possible.ilog2());
        let shard_bytes = memory_bytes >> shard_bits;
        let segment_bytes = (shard_bytes / 64).clamp(32 * KIB, MIB);
        let segment_bytes = 1 << segment_bytes.ilog2();
        let mut geometry = Geometry {
            shard_bits,
            shard_bytes,
            shard_bytes_min: 0,
            segment_bytes,
            item_bytes_max: item,
            seed,
        };
        // The largest item, two open segments, the one that cleaning needs, and an index for the small rest.
        let segments = geometry.segments_for(item as usize) as u64 + 4;
        geometry.shard_bytes_min = (segments * segment_bytes as u64).min(shard_bytes);
        Ok(geometry)
    }

    pub(crate) fn shards(&self) -> u64 {
        1 << self.shard_bits
    }

    /// A record longer than this may be split where a segment ends; a shorter one moves to the next.
    pub(crate) const SPLIT_BYTES_MIN: usize = 1024;

    /// No record is larger: four of them in a segment let a cleaning keep some and drop some.
    pub(crate) fn record_bytes_max(&self) -> usize {
        (self.segment_bytes / 4).min(crate::record::RECORD_BYTES_MAX)
    }

    /// How many empty segments surely take an item of this many bytes: each may waste its end and five headers.
    pub(crate) fn segments_for(&self, bytes: usize) -> usize {
        bytes / (self.segment_bytes - Self::SPLIT_BYTES_MIN - 256) + 1
    }

    pub(crate) fn item_fits(&self, key_len: usize, flags: u32, value_len: usize) -> bool {
        item_bytes(key_len, flags, value_len) <= self.item_bytes_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_the_config() {
        let check =
            |memory_bytes, item_bytes_max, parallelism, expected: Result<(u64, usize), ConfigError>| {
                let config = Config { memory_bytes, item_bytes_max, parallelism, seed: 0 };
                let geometry = Geometry::of(&config);
                assert_eq!(geometry.map(|it| (it.shards(), it.segment_bytes)), expected, "{config:?}");
            };
        let (kib, mib) = (1 << 10, 1 << 20);
        check(64 << 20, mib, 2, Ok((8, 128 << 10)));
        check(64 << 20, mib, 1, Ok((4, 256 << 10)));
        check(1 << 20, kib, 2, Ok((1, 32 << 10)));
        check(2 << 20, mib, 8, Ok((1, 32 << 10)));
        check(2 << 30, 1 << 30, 8, Ok((1, 1 << 20)));
        check(64 << 30, mib, 16, Ok((256, 1 << 20)));
        let at_least = 2 << 20;
        check(1 << 20, mib, 1, Err(ConfigError::MemoryTooSmall { memory_bytes: 1 << 20, at_least }));
        check(1 << 20, 1023, 1, Err(ConfigError::ItemSize { bytes: 1023 }));
        check(17 << 40, mib, 1, Err(ConfigError::MemoryTooLarge { memory_bytes: 17 << 40 }));
    }

    #[test]
    fn the_largest_item_is_memcacheds() {
        let geometry = Geometry::of(&Config::new(64 << 20, 0)).unwrap();
        let check = |flags, value_len, fits| assert_eq!(geometry.item_fits(1, flags, value_len), fits);
        // Observed on 1.6.18 with `-I 1m` and a key of one byte.
        check(0, 1_048_516, true);
        check(0, 1_048_517, false);
        check(7, 1_048_512, true);
        check(7, 1_048_513, false);
    }
}
