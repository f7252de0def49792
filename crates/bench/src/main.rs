//! Benches of peerset beside what people use today, on the same machine in the same run.
//!
//! Each subcommand is a file that says in its first line which question it answers. `cargo xtask bench NAME` builds
//! the program for release and runs one.
#![expect(clippy::print_stdout, reason = "a bench is read on the terminal")]

mod client;
mod load;
mod memory;
mod only;
mod placement;
mod proxy;
mod report;
mod sample;
mod serve;
mod servers;
mod stats;
mod syscalls;
mod timing;
mod zookeeper;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Benches of peerset beside what people use today.
#[derive(Parser)]
#[command(
    name = "cargo xtask bench",
    after_help = "Example: cargo xtask bench serve --quick --only classic-32"
)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// `peerset serve` against memcached: throughput, CPU, latency, system calls, memory an item
    Serve(serve::Arguments),
    /// Our memcached client against Rust's others: throughput, CPU, latency, system calls
    Client(client::Arguments),
    /// Does a server's memory stay within its bound under any mix of sizes?
    Memory(memory::Arguments),
    /// `peerset proxy` against twemproxy and against no proxy: throughput, CPU, latency, idle clients, changes
    Proxy(proxy::Arguments),
    /// Looking up owners and building rings, against the crates that do the same
    Placement(placement::Arguments),
    /// Following a serverset: time, requests and memory, beside the least that ZooKeeper asks for
    Zookeeper(zookeeper::Arguments),
    /// One contender of `client`, which starts it
    #[command(hide = true)]
    ClientContender(client::RunnerArguments),
    /// The process whose memory `zookeeper` measures
    #[command(hide = true)]
    ZookeeperFootprint(zookeeper::FootprintArguments),
}

fn main() -> anyhow::Result<ExitCode> {
    let met = match Arguments::parse().bench {
        Bench::Serve(arguments) => serve::run(&arguments)?,
        Bench::Client(arguments) => client::run(&arguments)?,
        Bench::Memory(arguments) => memory::run(&arguments)?,
        Bench::Proxy(arguments) => proxy::run(&arguments)?,
        Bench::Placement(arguments) => placement::run(&arguments)?,
        Bench::Zookeeper(arguments) => zookeeper::run(&arguments)?,
        Bench::ClientContender(arguments) => {
            client::run_contender(&arguments)?;
            true
        }
        Bench::ZookeeperFootprint(arguments) => {
            zookeeper::run_footprint(&arguments)?;
            true
        }
    };
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
