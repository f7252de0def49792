//! The lines of a member file, without a file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::item::{Distinct, item};
use crate::text::Piece;
use crate::{ItemProblem, Member};

/// A line that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineProblem {
    /// The file.
    pub path: Arc<Path>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1: where on the line the problem begins.
    pub column: usize,
    /// What is wrong.
    pub problem: ItemProblem,
}

impl fmt::Display for LineProblem {
    /// `PATH:LINE:COLUMN: PROBLEM`, which editors and terminals can jump to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path.display(), self.line, self.column, self.problem)
    }
}

/// Problems kept of one reading: a file that is something else altogether has one on every line.
const PROBLEMS_MAX: usize = 100;

/// What a reading of the file gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) members: Vec<Member>,
    pub(super) problems: Vec<LineProblem>,
}

/// Reads all lines; a bad one is a problem and the rest stays.
pub(super) fn read(path: &Arc<Path>, bytes: &[u8], members_max: usize) -> Reading {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes); // as some editors begin a file
    let mut distinct = Distinct::default();
    let mut reading = Reading::default();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if let Err((column, problem)) = read_line(line, &mut distinct, members_max, &mut reading.members) {
            reading.problems.push(LineProblem { path: path.clone(), line: at + 1, column, problem });
            if reading.problems.len() == PROBLEMS_MAX + 1 {
                reading.problems.truncate(PROBLEMS_MAX); // and go on: good lines may follow
            }
        }
    }
    reading
}

/// Adds the member of one line, if it has one; else says in which column what is wrong.
fn read_line(
    line: &[u8],
    distinct: &mut Distinct,
    members_max: usize,
    members: &mut Vec<Member>,
) -> Result<(), (usize, ItemProblem)> {
    let text = std::str::from_utf8(line).map_err(|error| {
        let good = String::from_utf8_lossy(&line[..error.valid_up_to()]);
        (good.chars().count() + 1, ItemProblem::NotUtf8)
    })?;
    let piece = without_comment(Piece::new(text)).trim();
    if piece.is_empty() {
        return Ok(());
    }
    let column = |at: usize| text[..at].chars().count() + 1;
    if let Some(at) = piece.text.find(',') {
        return Err((column(piece.at + at), ItemProblem::Comma));
    }
    let mut member = item(piece).map_err(|fault| (column(fault.at.start), fault.problem))?.member();
    distinct.admit(&member, members_max).map_err(|problem| (column(piece.at), problem))?;
    member.position = u32::try_from(members.len()).unwrap_or(u32::MAX); // among the good lines, not among all
    members.push(member);
    Ok(())
}

/// What stands before a `#` at the start of the line or after white space.
fn without_comment(line: Piece<'_>) -> Piece<'_> {
    let comment = |(at, _): &(usize, &str)| !line.text[..*at].ends_with(|c: char| !c.is_whitespace());
    line.text.match_indices('#').find(comment).map_or(line, |(at, _)| line.split_at(at).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointProblem, MemberIdError, WeightError};
    use ItemProblem as P;
    use proptest::prelude::*;

    fn read_all(bytes: &[u8], members_max: usize) -> Reading {
        read(&Path::new("pool.txt").into(), bytes, members_max)
    }

    #[test]
    fn good_lines_stay_and_bad_ones_are_placed() {
        fn check(bytes: impl AsRef<[u8]>, ids: &[&str], problems: &[(usize, usize, ItemProblem)]) {
            let reading = read_all(bytes.as_ref(), 3);
            let found: Vec<_> = reading.members.iter().map(|member| member.id.as_str()).collect();
            assert!(
                reading.members.iter().map(|member| member.position).eq(0..ids.len() as u32),
                "{reading:?}"
            );
            let placed: Vec<_> = reading.problems.iter().map(|p| (p.line, p.column, p.problem)).collect();
            assert_eq!(
                (&found[..], &placed[..]),
                (ids, problems),
                "{:?}",
                String::from_utf8_lossy(bytes.as_ref())
            );
        }
        check("", &[], &[]);
        check("# nobody\n\n  \t\n", &[], &[]);
        check("a:1\nb:1@2=n", &["a:1", "n"], &[]);
        check("\u{feff}a:1\r\n\r\n b:1\t# comment, with @=,\r\n", &["a:1", "b:1"], &[]);
        check("a:1=x#y # z", &["x#y"], &[]);
        check("a:1#", &[], &[(1, 3, P::Endpoint(EndpointProblem::PortNotANumber))]);
        check(
            "a\nb:1\n é:1",
            &["b:1"],
            &[
                (1, 2, P::Endpoint(EndpointProblem::NoPort)),
                (3, 2, P::Endpoint(EndpointProblem::HostCharacter)),
            ],
        );
        check("a:1=é@,", &[], &[(1, 7, P::Comma)]);
        check("a:1 b:1", &[], &[(1, 4, P::WhiteSpace)]);
        check(
            "a:1@-1\na:1=",
            &[],
            &[(1, 5, P::Weight(WeightError::Negative)), (2, 5, P::Name(MemberIdError::Empty))],
        );
        check("a:1\n  a:1@2\nb:1=a:1", &["a:1"], &[(2, 3, P::DuplicateEndpoint), (3, 1, P::DuplicateId)]);
        check(b"a:1\n\xc3\xa9\xff:1\nb:1", &["a:1", "b:1"], &[(2, 2, P::NotUtf8)]);
        check("a:1\nb:1\nc:1\nd:1\n", &["a:1", "b:1", "c:1"], &[(4, 1, P::TooMany { members_max: 3 })]);
        check("a:1\rb:1", &[], &[(1, 4, P::WhiteSpace)]);
    }

    #[test]
    fn problems_are_bounded_and_shown_with_their_place() {
        let bytes = "bad\n".repeat(1000) + "a:1";
        let reading = read_all(bytes.as_bytes(), 10);
        assert_eq!((reading.problems.len(), reading.members.len()), (100, 1));
        assert_eq!(reading.problems[1].to_string(), "pool.txt:2:4: there is no port (write HOST:PORT)");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let reading = read_all(&bytes, 10);
            prop_assert!(reading.problems.iter().all(|problem| problem.line > 0 && problem.column > 0));
        }

        #[test]
        fn a_bad_line_takes_nothing_else_with_it(good in prop::collection::btree_set("[a-c]{1,3}", 0..8), at in 0usize..8) {
            let mut lines: Vec<String> = good.iter().map(|host| format!("{host}:1")).collect();
            let whole = read_all(lines.join("\n").as_bytes(), 10).members;
            lines.insert(at.min(lines.len()), "b@d".into());
            let reading = read_all(lines.join("\n").as_bytes(), 10);
            prop_assert_eq!(reading.members, whole);
            prop_assert_eq!(reading.problems[0].line, at.min(good.len()) + 1);
        }
    }
}
