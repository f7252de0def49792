//! Load generators and rivals.
fn main() {}
