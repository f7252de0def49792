//! The name that was probably meant.

/// The name with the fewest edits from `written`, unless it takes so many that it is just another word.
pub(super) fn nearest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    // No name is longer, and what is compared grows with the square.
    let written: String = written.chars().take(64).flat_map(char::to_lowercase).collect();
    let edits_max = (written.chars().count() / 3).max(1);
    let edits = names.iter().map(|name| (strsim::osa_distance(&written, name), *name));
    edits.filter(|(edits, name)| *edits <= edits_max && *edits < name.len()).min().map(|(_, name)| name)
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
