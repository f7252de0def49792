//! Fuzz targets and a runner for them that needs nothing but the stable toolchain.
//!
//! The body of a target lies beside the code it tests (`fuzzing::check_…` of that crate): a function of bytes that
//! panics when something is wrong. [`targets`] lists them, [`corpus`] reads the inputs they start from, [`mutate`] varies
//! these, [`run`] feeds the body and catches the panic, and [`shrink`] makes what was found small enough to read.
//!
//! The same bodies run as plain tests (`tests/it/`), for a few seconds in `cargo xtask test`, for longer by `cargo xtask
//! fuzz`, and under libFuzzer with coverage (`fuzz_targets/`).

pub mod artifact;
pub mod corpus;
pub mod mutate;
pub mod run;
pub mod shrink;
pub mod targets;
pub mod watchdog;
