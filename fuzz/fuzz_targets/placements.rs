//! `cargo +nightly fuzz run --features libfuzzer placements`; the body lies beside the code, the table in `src/targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (peerset_fuzz::targets::PLACEMENTS.body)(data));
