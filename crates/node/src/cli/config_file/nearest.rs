//! The name that was probably meant.

/// The name with the fewest edits from `written`, unless it takes so many that it is just another word.
pub(super) fn nearest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let written: Vec<char> = written.chars().take(64).flat_map(char::to_lowercase).collect();
    let edits_max = (written.len() / 3).max(1);
    let edits = names.iter().map(|name| (edits(&written, name), *name));
    edits.filter(|(edits, name)| *edits <= edits_max && *edits < name.len()).min().map(|(_, name)| name)
}

/// How many characters have to be put in, left out, replaced or swapped with the next.
fn edits(written: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().collect();
    // rows[i][j] for the first i characters of one and j of the other
    let mut rows: Vec<Vec<usize>> = vec![(0..=name.len()).collect()];
    for (i, have) in written.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, wanted) in name.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(have != wanted);
            let mut fewest = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *have == name[j - 1] && written[i - 1] == *wanted {
                fewest = fewest.min(rows[i - 1][j - 1] + 1);
            }
            row.push(fewest);
        }
        rows.push(row);
    }
    rows[written.len()][name.len()]
}

#[test]
fn slips_are_recognised() {
    let names = ["listen", "memory", "max-item", "max-conns", "west"];
    #[track_caller]
    fn check(written: &str, names: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(written, names), expected, "{written}");
    }
    check("memmory", &names, Some("memory"));
    check("Listen", &names, Some("listen"));
    check("max_conns", &names, Some("max-conns"));
    check("wset", &names, Some("west"));
    check("wes", &names, Some("west"));
    check("port", &names, None);
    check("", &names, None);
    check("b", &["a"], None);
    check("x", &[], None);
}
