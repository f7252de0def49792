//! `peerset proxy`: one memcached address in front of a fleet.

pub(crate) mod config;
