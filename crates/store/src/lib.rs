//! A byte-bounded in-memory cache with memcached semantics.
//!
//! [`Store`] keeps items (a key of up to 250 bytes, a value, client flags, an expiry and a CAS value) within a number of
//! bytes, and answers every question of memcached's classic and meta protocol as memcached 1.6.18 does. It knows nothing
//! of sockets or clocks: the time is an argument, and so is the seed of its hash.
//!
//! - **Shape**: a power of two of shards, each behind a lock. A shard is a log of records in fixed-size segments
//!   (`record`, `segment`) and a sorted hash index into it (`index`).
//! - **Cost**: one lock, one hash and two cache misses for a get; no allocation per item. 24 bytes of header, padding to
//!   8 and 9 to 11 bytes of index an item: 20-byte keys with 100-byte values take about 155 bytes each in all.
//! - **Bound**: segments, index, remembered keys and [reservations](Reservation) stay within [`Config::memory_bytes`]
//!   together. While an index grows, one shard holds two of them, a few percent of that shard.
//! - **Eviction** (`shard::evict`) is S3-FIFO by segments: a scan does not push out what is read again and again.
//! - **Expiry**: an expired item is never seen, and [`Store::maintain`] gives its memory back without being asked for it.
//! - **Differences from memcached 1.6.18**, beyond its successors' `E`, `x` and append with `N`: a flush takes effect at
//!   once, so that a delayed one after it does not bring items back until its time comes; every read counts as the last
//!   access, of which memcached skips some; an incr or decr to fewer digits always pads with spaces, while memcached
//!   shortens the value if an unsent reply still refers to it; a flush at a time before the server's start flushes.
//!
//! ```
//! use peerset_store::{Config, Get, Key, Put, PutOutcome, Store};
//!
//! let store = Store::new(&Config::new(64 << 20, 42))?;
//! let now = 1_700_000_000;
//! let key = Key::new(b"greeting")?;
//! let stored = store.put(&Put::new(key, b"hello"), now);
//! assert_eq!(stored, PutOutcome::Stored { cas: 1, value_len: 5 });
//! let value = store.get(key, &Get::CLASSIC, now, |hit| hit.value.to_vec());
//! assert_eq!(value.as_deref(), Some(&b"hello"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod expiry;
#[doc(hidden)]
pub mod fuzzing;
mod ghost;
mod index;
mod key;
mod ops;
mod record;
mod reservation;
mod segment;
mod shard;
mod stats;
mod store;
mod value;

pub use config::{Config, ConfigError, item_bytes};
pub use expiry::Expiry;
pub use key::{Key, KeyError};
pub use ops::{
    Arithmetic, ArithmeticOutcome, Delete, DeleteOutcome, Direction, Get, Hit, Mode, Put, PutOutcome, Recache,
};
pub use reservation::Reservation;
pub use stats::Stats;
pub use store::{Maintained, Store};
pub use value::{Parts, Value};
