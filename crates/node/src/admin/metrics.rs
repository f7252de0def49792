//! `/metrics`: every count the node keeps, read when asked.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::serve::Node;

/// The content type of the page.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page.
pub(super) fn render(node: &Arc<Node>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("peerset");
    registry.register_collector(Box::new(NodeMetrics(node.clone())));
    let mut page = String::new();
    encode(&mut page, &registry)?;
    Ok(page)
}

/// Reads the node's counts. They are counted since the start: `stats reset` does not touch them.
struct NodeMetrics(Arc<Node>);

impl fmt::Debug for NodeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeMetrics")
    }
}

impl Collector for NodeMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.connections(&mut page)?;
        self.commands(&mut page)?;
        self.store(&mut page)
    }
}

impl NodeMetrics {
    fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let front = &self.0.front;
        page.gauge("connections", "Connections open now", front.connections() as u64)?;
        page.gauge("connections_max", "Connections there may be", self.0.settings.front.max_conns as u64)?;
        page.counter("connections_accepted", "Connections taken", front.accepted.value())?;
        page.counter("connections_rejected", "Connections refused as too many", front.rejected.value())?;
        page.counter("accept_errors", "Failures to accept a connection", front.accept_errors.value())?;
        page.labelled(
            "connections_closed",
            "Connections closed by the node",
            "reason",
            &[
                ("idle", front.sum(|worker| &worker.idle_closed)),
                ("stalled", front.sum(|worker| &worker.stalled_closed)),
                ("memory", front.sum(|worker| &worker.memory_closed)),
            ],
        )?;
        page.counter("received_bytes", "Bytes received", front.sum(|worker| &worker.bytes_read))?;
        page.counter("sent_bytes", "Bytes sent", front.sum(|worker| &worker.bytes_written))?;
        page.gauge("draining", "1 while the node is on its way out", u64::from(self.0.draining()))
    }

    fn commands(&self, page: &mut Page<'_>) -> fmt::Result {
        let counts = self.0.commands();
        page.labelled(
            "gets",
            "Keys asked for",
            "result",
            &[("hit", counts.get_hits), ("miss", counts.get_misses)],
        )?;
        page.labelled(
            "touches",
            "Keys touched",
            "result",
            &[("hit", counts.touch_hits), ("miss", counts.touch_misses)],
        )?;
        page.labelled(
            "deletes",
            "Keys deleted or marked stale",
            "result",
            &[("hit", counts.delete_hits), ("miss", counts.delete_misses)],
        )?;
        page.labelled(
            "increments",
            "Keys counted up",
            "result",
            &[("hit", counts.incr_hits), ("miss", counts.incr_misses)],
        )?;
        page.labelled(
            "decrements",
            "Keys counted down",
            "result",
            &[("hit", counts.decr_hits), ("miss", counts.decr_misses)],
        )?;
        page.labelled(
            "cas",
            "Stores that named a CAS value",
            "result",
            &[("stored", counts.cas_hits), ("differs", counts.cas_badval), ("miss", counts.cas_misses)],
        )?;
        page.counter("stores", "Values sent to be stored", counts.cmd_set)?;
        page.labelled(
            "stores_refused",
            "Values that were not stored for their size",
            "reason",
            &[("too_large", counts.store_too_large), ("no_memory", counts.store_no_memory)],
        )?;
        page.counter("flushes", "flush_all commands", counts.cmd_flush)?;
        page.counter("meta_commands", "Meta commands", counts.cmd_meta)?;
        page.counter("protocol_errors", "Lines that were no request", counts.protocol_errors)
    }

    fn store(&self, page: &mut Page<'_>) -> fmt::Result {
        let store = self.0.store.stats();
        page.gauge("items", "Items held", store.items)?;
        page.gauge("items_bytes", "Bytes of the items held, as memcached counts them", store.bytes)?;
        page.gauge("memory_max_bytes", "Memory the store may take", self.0.settings.memory.0)?;
        page.gauge("memory_mapped_bytes", "Memory the store has taken", store.mapped_bytes)?;
        page.gauge("memory_dead_bytes", "Of it, overwritten and deleted items", store.dead_bytes)?;
        page.gauge("memory_index_bytes", "Of it, the index", store.index_bytes)?;
        page.gauge("memory_reserved_bytes", "Set aside for large requests under way", store.reserved_bytes)?;
        page.counter("items_stored", "Items stored", store.items_total)?;
        page.counter("items_evicted", "Items dropped to make room", store.evictions)?;
        page.counter("items_evicted_unfetched", "Of these, those never read", store.evicted_unfetched)?;
        page.counter("items_expired", "Expired items removed", store.expired)
    }
}

/// Writes one metric after the other.
struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    /// One counter for each value of a label.
    fn labelled(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let kind = ConstCounter::new(0u64).metric_type();
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (value, count) in values {
            let labels = [(label, *value)];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
