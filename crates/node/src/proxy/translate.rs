//! Between what clients say and what servers are told: requests as servers get them, replies as clients get them.

mod about;
mod reply;
mod request;
#[cfg(test)]
mod tests;

pub(super) use about::{hides_key, is_noreply, is_too_long, key, marks_stale, operation, replies_raw};
pub(super) use reply::{absent, absent_line, reply, restore_key};
pub(super) use request::{LINE_END, Lifetime, get_and_touch, keys, meta_get, write};

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
