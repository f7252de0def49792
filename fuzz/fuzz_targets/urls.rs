//! `cargo +nightly fuzz run --features libfuzzer urls`; the body lies beside the code, the table in `src/targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (peerset_fuzz::targets::URLS.body)(data));
