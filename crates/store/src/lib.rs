//! A byte-bounded in-memory cache with memcached semantics.
