//! The table at the end, in Markdown.

use std::fmt;

use crate::stats::Spread;

#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) contest: &'static str,
    pub(super) ours: &'static str,
    pub(super) rival: &'static str,
    pub(super) ours_ns: f64,
    pub(super) rival_ns: f64,
    pub(super) ratio: Spread,
    pub(super) target: Option<f64>,
}

impl Row {
    fn met(&self) -> Option<bool> {
        self.target.map(|target| self.ratio.median <= target)
    }

    pub(super) fn line(&self) -> String {
        let [contest, ours, rival, ours_time, rival_time, ratio, target, verdict] = self.cells();
        format!("{contest}: {ours} {ours_time}, {rival} {rival_time}, ratio {ratio} {target} {verdict}")
    }

    fn cells(&self) -> [String; 8] {
        [
            self.contest.to_owned(),
            self.ours.to_owned(),
            self.rival.to_owned(),
            time(self.ours_ns),
            time(self.rival_ns),
            self.ratio.to_string(),
            self.target.map_or(String::new(), |target| format!("≤ {target}")),
            self.met().map_or("", verdict).to_owned(),
        ]
    }
}

impl Table {
    pub(super) fn all_met(&self) -> bool {
        self.rows.iter().all(|row| row.met() != Some(false))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["contest", "peerset", "rival", "ours", "theirs", "ratio", "target", "verdict"];
        let mut rows = vec![heading.map(str::to_owned), [const { String::new() }; 8]];
        rows.extend(self.rows.iter().map(Row::cells));
        let widths: [usize; 8] =
            std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
        rows[1] = widths.map(|width| "-".repeat(width));
        for row in rows {
            for (cell, width) in row.iter().zip(widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            f.write_str("|\n")?;
        }
        Ok(())
    }
}

pub(super) fn verdict(met: bool) -> &'static str {
    if met { "PASS" } else { "FAIL" }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        1e5.. => format!("{:.2} ms", nanoseconds / 1e6),
        _ => format!("{nanoseconds:.1} ns"),
    }
}
