//! Two rings compared piece by piece.

use super::{Diff, DiffError, Moves};
use crate::keys::KeyHash;
use crate::placement::Circle;
use crate::ring::{Angle, Ring};

pub(super) fn compare(diff: &Diff<'_>) -> Result<Moves, DiffError> {
    let (Some(from), Some(to)) = (diff.from.circle(), diff.to.circle()) else {
        return Err(DiffError::NotRings);
    };
    match (from, to) {
        (Circle::Narrow(from, of_from), Circle::Narrow(to, of_to)) if of_from == of_to => {
            Ok(merge(diff, from, to, of_from.bits()))
        }
        (Circle::Wide(from, of_from), Circle::Wide(to, of_to)) if of_from == of_to => {
            Ok(merge(diff, from, to, KeyHash::WIDE_BITS))
        }
        _ => Err(DiffError::Hashes),
    }
}

/// Goes round both at once, and at each end of a piece of either takes down whose the piece before it was.
fn merge<H: Angle>(diff: &Diff<'_>, from: &Ring<H>, to: &Ring<H>, bits: u32) -> Moves {
    let mut moves = Moves::default();
    let mut pieces = to.arcs(bits);
    let mut other = pieces.next();
    let mut start = 0;
    for piece in from.arcs(bits) {
        while let Some(theirs) = other {
            let end = piece.end.min(theirs.end);
            if end > start {
                moves.add(diff.step(Some(piece.owner), Some(theirs.owner), end - start));
                start = end;
            }
            if theirs.end > piece.end {
                break;
            }
            other = pieces.next();
        }
    }
    moves
}
