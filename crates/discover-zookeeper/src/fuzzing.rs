//! The body of the fuzz target that reads znodes.

use peerset_cluster::Limits;

use crate::{read_member, write_member};

/// Bytes a member's znode may have here.
const BYTES_MAX: usize = 64 * 1024;

/// Reads bytes as a member's znode; what is read can be written, and then reads the same.
///
/// # Panics
/// If something is wrong with the code under test.
pub fn check_znode(data: &[u8]) {
    let Ok(announced) = read_member(data, BYTES_MAX, &Limits::default()) else { return };
    let Ok(bytes) = write_member(&announced.member, BYTES_MAX) else { return };
    let again = read_member(&bytes, BYTES_MAX, &Limits::default());
    assert_eq!(again.map(|again| again.member.endpoint), Ok(announced.member.endpoint));
}
