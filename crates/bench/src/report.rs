//! The table at the end.

use std::fmt::Write as _;

use crate::stats::Spread;

/// All figures of a run.
pub(crate) struct Report {
    contenders: Vec<String>,
    /// What the column of the others is called.
    rivals: &'static str,
    figures: Vec<Figure>,
}

/// One line of the table.
pub(crate) struct Figure {
    pub(crate) scenario: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    /// Not a number where nobody else does such a thing.
    pub(crate) theirs: f64,
    /// Whose `theirs` is.
    pub(crate) rival: String,
    /// What the target is about.
    pub(crate) judged: Spread,
    /// Ours by theirs, else ours itself.
    pub(crate) judged_is_ratio: bool,
    pub(crate) target: Option<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    fn met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::AtLeast(bound) => self.judged.median >= bound,
            Target::AtMost(bound) => self.judged.median <= bound,
        })
    }

    fn row(&self) -> [String; 8] {
        let target = match self.target {
            Some(Target::AtLeast(bound)) => format!("≥ {bound}"),
            Some(Target::AtMost(bound)) => format!("≤ {}", (bound * 100.0).round() / 100.0),
            None => String::new(),
        };
        let verdict = self.met().map_or("", |met| if met { "PASS" } else { "FAIL" });
        let ratio = match (self.judged_is_ratio, self.theirs.is_nan()) {
            (true, _) => self.judged.to_string(),
            (false, true) => String::new(),
            (false, false) => format!("{:.2}", self.ours / self.theirs),
        };
        [
            self.scenario.to_owned(),
            format!("{}, {}", self.what, self.unit),
            short(self.ours),
            short(self.theirs),
            self.rival.clone(),
            ratio,
            if self.judged_is_ratio || target.is_empty() { target } else { format!("{target} itself") },
            verdict.to_owned(),
        ]
    }
}

impl Report {
    pub(crate) fn new(contenders: Vec<String>, rivals: &'static str) -> Report {
        Report { contenders, rivals, figures: Vec::new() }
    }

    /// Adds a figure, and shows it at once: a whole run takes minutes.
    pub(crate) fn add(&mut self, figure: Figure) {
        let [_, what, ours, theirs, rival, ratio, target, verdict] = figure.row();
        let against = if rival.is_empty() { rival } else { format!(" to {theirs} ({rival}), ratio {ratio}") };
        let judged = if target.is_empty() { target } else { format!(", target {target}: {verdict}") };
        println!("  → {what}: {ours}{against}{judged}");
        self.figures.push(figure);
    }

    /// Whether no target was missed.
    pub(crate) fn all_met(&self) -> bool {
        self.figures.iter().all(|figure| figure.met() != Some(false))
    }

    /// Markdown; medians, with the least and the greatest ratio of a round in parentheses.
    pub(crate) fn table(&self) -> String {
        let heading = ["scenario", "figure", "peerset", self.rivals, "which", "ratio", "target", "verdict"];
        let mut rows = vec![heading.map(str::to_owned), [const { String::new() }; 8]];
        rows.extend(self.figures.iter().map(Figure::row));
        let widths: [usize; 8] =
            std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
        rows[1] = widths.map(|width| "-".repeat(width));
        let mut table = String::new();
        for row in rows {
            for (cell, width) in row.iter().zip(widths) {
                // Writing to a string cannot fail.
                let _ = write!(table, "| {cell:<width$} ");
            }
            table.push_str("|\n");
        }
        table
    }

    /// The same for programs. Names hold nothing that JSON would have to escape.
    pub(crate) fn json(&self) -> String {
        let figures = self.figures.iter().map(|figure| {
            let Figure { scenario, what, unit, ours, theirs, rival, judged, .. } = figure;
            let theirs = if theirs.is_nan() { "null".to_owned() } else { theirs.to_string() };
            let met = figure.met().map_or("null".to_owned(), |met| met.to_string());
            let Spread { median, min, max } = judged;
            format!(
                "{{\"scenario\":\"{scenario}\",\"figure\":\"{what}\",\"unit\":\"{unit}\",\"peerset\":{ours},\
                 \"theirs\":{theirs},\"rival\":\"{rival}\",\"judged\":{{\"median\":{median},\"min\":{min},\
                 \"max\":{max}}},\"met\":{met}}}"
            )
        });
        let figures: Vec<_> = figures.collect();
        let contenders: Vec<_> = self.contenders.iter().map(|name| format!("\"{name}\"")).collect();
        format!("{{\"contenders\":[{}],\"figures\":[\n{}\n]}}\n", contenders.join(","), figures.join(",\n"))
    }
}

/// Three or four digits that matter.
fn short(value: f64) -> String {
    match value {
        _ if value.is_nan() => String::new(),
        1000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[test]
fn targets_are_judged_by_the_median() {
    let figure = |median, target| Figure {
        scenario: "s",
        what: "CPU",
        unit: "µs/op",
        ours: 1.0,
        theirs: 2.0,
        rival: "memcached -t 2".to_owned(),
        judged: Spread { median, min: 0.1, max: 9.0 },
        judged_is_ratio: true,
        target: Some(target),
    };
    let mut report = Report::new(vec!["memcached -t 2".to_owned()], "memcached");
    report.add(figure(1.0, Target::AtLeast(1.0)));
    report.add(figure(1.0, Target::AtMost(1.0)));
    assert!(report.all_met());
    report.add(figure(0.99, Target::AtLeast(1.0)));
    assert!(!report.all_met());
    let table = report.table();
    assert!(table.contains("| ≥ 1    | FAIL    |") && table.contains("0.99 (0.10–9.00)"), "{table}");
    assert!(report.json().contains("\"met\":false}"));
}
