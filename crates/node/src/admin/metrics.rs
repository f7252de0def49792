//! `/metrics`: every count the node keeps, read when asked.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::page::{self, Page};
use crate::serve::Node;

/// The page.
pub(super) fn render(node: &Arc<Node>) -> Result<String, fmt::Error> {
    page::render(NodeMetrics(node.clone()))
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
        let mut page = Page::new(encoder);
        self.connections(&mut page)?;
        self.commands(&mut page)?;
        self.store(&mut page)
    }
}

impl NodeMetrics {
    fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        page.front(&self.0.front, self.0.settings.front.max_conns)?;
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
