//! One server under load, once.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use peerset_testkit::Program;

use crate::load::Load;
use crate::syscalls;
use crate::timing::Timing;

/// What one measurement of one server gave.
pub(crate) struct Sample {
    pub(crate) operations_per_second: f64,
    /// CPU time of the server an operation.
    pub(crate) cpu_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// User time of the load generator an operation.
    pub(crate) own_user_us: f64,
    /// All its CPU time an operation.
    pub(crate) own_cpu_us: f64,
}

/// Warms up and measures, over connections of its own.
pub(crate) fn take(load: &Load<'_>, addr: SocketAddr, program: &Program, timing: &Timing) -> Result<Sample> {
    let mut running = load.serve(addr)?;
    running.run_for(timing.warm_up)?;
    let before = program.usage();
    let measured = running.run_for(timing.measured)?;
    let after = program.usage();
    let operations = measured.operations as f64;
    let each_us = |time: Duration| time.as_secs_f64() * 1e6 / operations;
    Ok(Sample {
        operations_per_second: operations / measured.elapsed.as_secs_f64(),
        cpu_us: each_us(after.cpu.saturating_sub(before.cpu)),
        p50_us: measured.latency.quantile_us(0.5),
        p99_us: measured.latency.quantile_us(0.99),
        p999_us: measured.latency.quantile_us(0.999),
        own_user_us: each_us(measured.own_user),
        own_cpu_us: each_us(measured.own_cpu),
    })
}

/// System calls an operation, and what counted them. Over connections of its own: opening and closing them is in it,
/// and lost among the operations.
pub(crate) fn syscalls(
    load: &Load<'_>,
    addr: SocketAddr,
    program: &Program,
    timing: &Timing,
) -> Result<(f64, &'static str)> {
    let work = || load.serve(addr)?.run_for(timing.measured);
    let counted = syscalls::count(program.id(), work)?;
    Ok((counted.calls as f64 / counted.result.operations as f64, counted.with))
}
