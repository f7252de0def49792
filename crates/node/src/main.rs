//! The program peerset: a memcached-compatible cache node and, in front of a fleet, its one address.
fn main() {}
