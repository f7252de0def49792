//! Do two running servers that speak memcached answer alike?
//!
//! ```text
//! cargo run -p peerset-testkit --example compare -- 127.0.0.1:11211 127.0.0.1:11212 500
//! cargo run -p peerset-testkit --example compare -- --proxy 127.0.0.1:11211 127.0.0.1:22121 500
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::env;
use std::process::ExitCode;

use peerset_testkit::differential::{Right, Script, Session};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let kind = if arguments.first().is_some_and(|word| word == "--proxy") {
        arguments.remove(0);
        Right::Proxy
    } else {
        Right::Server
    };
    let [left, right, seeds @ ..] = &arguments[..] else {
        println!(
            "usage: compare [--proxy] HOST:PORT HOST:PORT [SEEDS]\nBoth are emptied; nobody else may use them \
             meanwhile. With --proxy the second one is a proxy in front of several servers."
        );
        return ExitCode::from(2);
    };
    let seeds = seeds.first().map_or(Ok(100), |seeds| seeds.parse::<u64>());
    let (Ok(left), Ok(right), Ok(seeds)) = (left.parse(), right.parse(), seeds) else {
        println!("not two addresses and a number: {arguments:?}");
        return ExitCode::from(2);
    };
    for seed in 0..seeds {
        if let Err(mismatch) = Session::run_script(&Script::generate(seed), left, right, kind) {
            println!("{mismatch}");
            return ExitCode::FAILURE;
        }
    }
    println!("{seeds} scripts, no difference");
    ExitCode::SUCCESS
}
