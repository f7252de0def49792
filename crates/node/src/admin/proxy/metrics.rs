//! `/metrics` of a proxy: per pool, per server, per route.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::super::page::{self, Histogram, Page};
use crate::front::Counter;
use crate::proxy::{LATENCY_BOUNDS, Latency, Plan, Proxy, RouteCounters, ServerCounters};

/// The page.
pub(super) fn render(proxy: &Arc<Proxy>) -> Result<String, fmt::Error> {
    page::render(ProxyMetrics(proxy.clone()))
}

struct ProxyMetrics(Arc<Proxy>);

impl fmt::Debug for ProxyMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyMetrics")
    }
}

impl Collector for ProxyMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        let plan = self.0.shared.plan();
        page.front(&self.0.front, self.0.settings.front.max_conns)?;
        page.gauge("draining", "1 while the proxy is on its way out", u64::from(self.0.draining()))?;
        self.clients(&mut page)?;
        pools(&plan, &mut page)?;
        servers(&plan, &mut page)?;
        routes(&plan, &mut page)
    }
}

impl ProxyMetrics {
    fn clients(&self, page: &mut Page<'_>) -> fmt::Result {
        let sum = |count: fn(&crate::proxy::CommandCounters) -> &Counter| -> u64 {
            self.0.shared.commands.iter().map(|worker| count(worker).value()).sum()
        };
        page.labelled(
            "requests",
            "What clients sent: keys to get, values to store, other requests",
            "kind",
            &[
                ("get", sum(|worker| &worker.gets)),
                ("set", sum(|worker| &worker.sets)),
                ("other", sum(|worker| &worker.others)),
            ],
        )?;
        page.counter("meta_commands", "Of these, meta commands", sum(|worker| &worker.metas))?;
        page.counter(
            "errors",
            "Requests for which no server could be asked, or none answered",
            sum(|worker| &worker.errors),
        )?;
        page.counter("protocol_errors", "Lines that were no request", sum(|worker| &worker.protocol_errors))
    }
}

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Sums over the servers of a pool, and its set.
fn pools(plan: &Plan, page: &mut Page<'_>) -> fmt::Result {
    let pools: Vec<_> = plan.pools.iter().map(|pool| (pool, pool.view(), pool.tally.total())).collect();
    let gauge = |value: fn(&crate::proxy::Pool, &crate::proxy::View) -> f64| {
        pools.iter().map(move |(pool, view, _)| (vec![("pool", pool.name())], value(pool, view)))
    };
    page.gauges(
        "pool_servers",
        "Servers that keys are placed on",
        gauge(|_, view| view.servers.len() as f64),
    )?;
    page.gauges(
        "pool_answered",
        "1 once the source has told its members",
        gauge(|_, view| f64::from(u8::from(view.fleet.state().is_answered()))),
    )?;
    page.gauges(
        "pool_stale",
        "1 while the source cannot be reached and its last set is used",
        gauge(|_, view| f64::from(u8::from(view.fleet.state().stale_since().is_some()))),
    )?;
    page.gauges("pool_version", "Grows with each change of the set", gauge(|_, view| view.number as f64))?;
    page.gauges(
        "pool_swap_seconds",
        "How long the last change of the set took to become a ring",
        gauge(|pool, _| pool.build_time().as_secs_f64()),
    )?;
    for (name, help, count) in COUNTS {
        let sums = pools.iter().map(|(pool, _, total)| (vec![("pool", pool.name())], count(total).value()));
        page.counters(&format!("pool_{name}"), help, sums)?;
    }
    page.histograms(
        "pool_latency_seconds",
        "From handing a request to a server to its reply",
        pools.iter().map(|(pool, _, total)| (vec![("pool", pool.name())], histogram([&total.latency]))),
    )
}

type Count = fn(&ServerCounters) -> &Counter;
type RouteCount = fn(&RouteCounters) -> &Counter;

const COUNTS: &[(&str, &str, Count)] = &[
    ("requests", "Requests handed to the server; a line of several keys is one", |server| &server.requests),
    ("hits", "Keys read and found", |server| &server.hits),
    ("misses", "Keys read and not found", |server| &server.misses),
    ("errors", "Requests answered with an error", |server| &server.errors),
    ("timeouts", "Requests not answered in time", |server| &server.timeouts),
    ("lost", "Requests lost with their connection, or that never got one", |server| &server.lost),
    ("overloads", "Requests refused because too many waited", |server| &server.overloads),
    ("connects", "Attempts to connect", |server| &server.connects),
    ("ejections", "Times the server was found to be down", |server| &server.ejections),
];

fn servers(plan: &Plan, page: &mut Page<'_>) -> fmt::Result {
    let servers: Vec<_> = plan
        .pools
        .iter()
        .flat_map(|pool| pool.tally.servers().into_iter().map(move |(label, totals)| (pool, label, totals)))
        .collect();
    let each = || {
        servers.iter().map(|(pool, label, totals)| {
            let labels: Labels<'_> = vec![("pool", pool.name()), ("server", label)];
            (labels, totals)
        })
    };
    page.gauges(
        "server_connections",
        "Connections that stand",
        each().map(|(labels, totals)| (labels, totals.connected as f64)),
    )?;
    page.gauges(
        "server_down",
        "1 while any worker takes the server for down",
        each().map(|(labels, totals)| (labels, f64::from(u8::from(totals.ejected > 0)))),
    )?;
    for (name, help, count) in COUNTS {
        let sums = each().map(|(labels, totals)| (labels, count(&totals.counters).value()));
        page.counters(&format!("server_{name}"), help, sums)?;
    }
    page.histograms(
        "server_latency_seconds",
        "From handing over a request to its reply",
        each().map(|(labels, totals)| (labels, histogram([&totals.counters.latency]))),
    )
}

fn routes(plan: &Plan, page: &mut Page<'_>) -> fmt::Result {
    let mut named: BTreeMap<&str, Vec<&RouteCounters>> = BTreeMap::new();
    for (node, label) in plan.table.labels().iter().enumerate().filter(|(_, label)| !label.is_empty()) {
        // Nodes of one label share their counters.
        named.entry(label).or_insert_with(|| plan.routes.iter().map(|worker| &*worker[node]).collect());
    }
    let each = || named.iter().map(|(label, counters)| (vec![("route", *label)], counters));
    let counts: [(&str, &str, RouteCount); 4] = [
        ("requests", "Requests that came to this route; each key of several is one", |route| &route.requests),
        ("hits", "Reads that found their key", |route| &route.hits),
        ("misses", "Answers that say no: not there, not stored", |route| &route.misses),
        ("errors", "Requests that failed here, and went on if the route does", |route| &route.errors),
    ];
    for (name, help, count) in counts {
        let sums = each().map(|(labels, workers)| {
            (labels, workers.iter().map(|worker| count(worker).value()).sum::<u64>())
        });
        page.counters(&format!("route_{name}"), help, sums)?;
    }
    page.histograms(
        "route_latency_seconds",
        "From handing over a request of this route to its reply; several keys in one request are not timed",
        each().map(|(labels, workers)| (labels, histogram(workers.iter().map(|worker| &worker.latency)))),
    )
}

/// Several workers' times as one.
fn histogram<'l>(workers: impl IntoIterator<Item = &'l Latency>) -> Histogram {
    let mut counts = [0; LATENCY_BOUNDS.len() + 1];
    let mut sum = 0.0;
    for latency in workers {
        let (worker, seconds) = latency.read();
        counts.iter_mut().zip(worker).for_each(|(count, more)| *count += more);
        sum += seconds;
    }
    let bounds = LATENCY_BOUNDS.iter().map(|&micros| f64::from(micros) / 1e6).chain([f64::INFINITY]);
    Histogram { buckets: bounds.zip(counts).collect(), sum }
}
