//! What developers and CI run: setup, test, tidy, bench.
fn main() {}
