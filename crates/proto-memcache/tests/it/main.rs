//! What the crate promises to those who use it: the laws of the parsers, and agreement with a real memcached.
mod generate;
mod laws;
mod real;
