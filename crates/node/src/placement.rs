//! `peerset placement`: the placements there are, each server's share, and what a change moves.

pub(crate) mod diff;
pub(crate) mod list;
pub(crate) mod shares;

pub(crate) use diff::DiffSettings;
pub(crate) use shares::SharesSettings;
