//! Placements as their users see them.

mod testdata;
mod vectors;
