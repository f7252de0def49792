//! A page of metrics in the Prometheus text format, written when asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::front::FrontCounters;

/// The content type of the page.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page of what a collector collects.
pub(super) fn render(collector: impl Collector) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("peerset");
    registry.register_collector(Box::new(collector));
    let mut page = String::new();
    encode(&mut page, &registry)?;
    Ok(page)
}

/// Counts in buckets: for each its upper bound in seconds, and how many fell into it.
pub(super) struct Histogram {
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) sum: f64,
}

/// Writes one metric after the other.
pub(super) struct Page<'e>(DescriptorEncoder<'e>);

impl<'e> Page<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Page<'e> {
        Page(encoder)
    }
}

impl Page<'_> {
    /// What every front counts.
    pub(super) fn front(&mut self, front: &FrontCounters, max_conns: usize) -> fmt::Result {
        self.gauge("connections", "Connections open now", front.connections() as u64)?;
        self.gauge("connections_max", "Connections there may be", max_conns as u64)?;
        self.counter("connections_accepted", "Connections taken", front.accepted.value())?;
        self.counter("connections_rejected", "Connections refused as too many", front.rejected.value())?;
        self.counter("accept_errors", "Failures to accept a connection", front.accept_errors.value())?;
        self.labelled(
            "connections_closed",
            "Connections closed from this side",
            "reason",
            &[
                ("idle", front.sum(|worker| &worker.idle_closed)),
                ("stalled", front.sum(|worker| &worker.stalled_closed)),
            ],
        )?;
        self.counter("received_bytes", "Bytes received", front.sum(|worker| &worker.bytes_read))?;
        self.counter("sent_bytes", "Bytes sent", front.sum(|worker| &worker.bytes_written))
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    /// One counter for each value of a label.
    pub(super) fn labelled(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[(&str, u64)],
    ) -> fmt::Result {
        let kind = ConstCounter::new(0u64).metric_type();
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (value, count) in values {
            let labels = [(label, *value)];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A count for each of several sets of labels.
    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A gauge for each of several sets of labels.
    pub(super) fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (L, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A histogram for each of several sets of labels.
    pub(super) fn histograms<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (L, Histogram)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, histogram) in values {
            let count = histogram.buckets.iter().map(|(_, count)| count).sum();
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                histogram.sum,
                count,
                &histogram.buckets,
                None,
            )?;
        }
        Ok(())
    }
}
