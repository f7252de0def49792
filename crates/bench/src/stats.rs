//! Medians, spreads and latency histograms.

use std::fmt;

/// The middle of several measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of at least one value. An even number of values has the mean of the two in the middle.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut sorted: Vec<_> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let [.., max] = sorted[..] else { return Spread { median: f64::NAN, min: f64::NAN, max: f64::NAN } };
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        };
        Spread { median, min: sorted[0], max }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.min, self.max)
    }
}

/// Counts of durations in nanoseconds, in buckets less than 1 % wide.
///
/// - **Shape**: 128 buckets for each power of two, 29 KiB, no allocation after the first.
/// - **Cost**: recording is a shift and an increment, a few nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

/// Buckets for each power of two, as a power of two.
const PRECISION_BITS: u32 = 7;

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram { counts: vec![0; bucket(u64::MAX) + 1], total: 0 }
    }

    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    pub(crate) fn add(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The duration that `share` of all recorded ones do not exceed, in microseconds.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let at = self.counts.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank
        });
        at.map_or(0.0, |at| upper_bound(at) as f64 / 1e3)
    }
}

/// Small values have a bucket each; larger ones are told apart by their leading bits.
fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    ((shift as usize) << PRECISION_BITS) + (value >> shift) as usize
}

fn upper_bound(bucket: usize) -> u64 {
    let shift = (bucket >> PRECISION_BITS).saturating_sub(1);
    let leading = (bucket - (shift << PRECISION_BITS)) as u64;
    ((leading + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
    }

    #[test]
    fn buckets_are_narrow_and_in_order() {
        let values =
            (0..62).flat_map(|power| [0, 1, 3].map(|more| (1_u64 << power) + more * (1_u64 << power) / 4));
        let mut last = 0;
        for value in values {
            let at = bucket(value);
            assert!(at >= last, "{value}");
            let bound = upper_bound(at);
            assert!(bound >= value && (bound - value) as f64 <= value as f64 / 100.0, "{value} {bound}");
            last = at;
        }
        assert!(bucket(u64::MAX) < 8000);
    }

    #[test]
    fn quantiles_are_found() {
        let mut histogram = Histogram::new();
        (1..=1000).for_each(|us| histogram.record(us * 1000));
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            let found = histogram.quantile_us(share);
            assert!((expected..expected * 1.01).contains(&found), "{share}: {found}");
        }
    }
}
