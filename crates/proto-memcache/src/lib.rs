//! The memcached text and meta protocols, both directions, sans-io.
