//! Fuzz bodies, their corpora, and a smoke runner for the stable toolchain.
fn main() {}
