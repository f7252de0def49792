//! Numbers to text, without `fmt`.

/// Appends `number` in decimal.
#[inline]
pub(crate) fn push(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `number` in decimal, with its sign.
#[inline]
pub(crate) fn push_signed(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
