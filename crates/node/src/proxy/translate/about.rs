//! What the proxy has to know of a request.

use peerset_proto_memcache::request::{Key, MetaFlags, MetaKey, StoreVerb};
use peerset_proto_memcache::{KEY_BYTES_MAX, Request};
use peerset_route::Operation;

/// What a request is to routes; none if it is about no key.
#[inline]
pub(in crate::proxy) fn operation(request: &Request<'_>) -> Option<Operation> {
    Some(match request {
        Request::Get(get) if get.touch.is_some() => Operation::ReadAndTouch,
        Request::Get(_) | Request::MetaDebug { .. } => Operation::Read,
        Request::MetaGet(get) if get.ttl.is_some() => Operation::ReadAndTouch,
        Request::MetaGet(_) => Operation::Read,
        Request::Store(store) if store.verb == StoreVerb::Cas => Operation::CompareAndStore,
        Request::Store(_) => Operation::Store,
        Request::MetaSet(set) if set.cas.is_some() => Operation::CompareAndStore,
        Request::MetaSet(_) => Operation::Store,
        Request::MetaDelete(delete) if delete.cas.is_some() => Operation::CompareAndDelete,
        Request::Delete { .. } | Request::MetaDelete(_) => Operation::Delete,
        Request::MetaArithmetic(count) if count.cas.is_some() => Operation::CompareAndCount,
        Request::Arithmetic(_) | Request::MetaArithmetic(_) => Operation::Arithmetic,
        Request::Touch { .. } => Operation::Touch,
        _ => return None,
    })
}

/// The key that a request about one is about, as servers place it.
#[inline]
pub(in crate::proxy) fn key<'b>(
    request: &Request<'b>,
    room: &'b mut [u8; KEY_BYTES_MAX],
) -> Option<&'b [u8]> {
    Some(match request {
        Request::Get(get) => get.keys.iter().next()?.as_bytes(),
        Request::Store(store) => store.key.as_bytes(),
        Request::Delete { key, .. } | Request::Touch { key, .. } => key.as_bytes(),
        Request::Arithmetic(count) => count.key.as_bytes(),
        Request::MetaGet(get) => get.key.decode(room),
        Request::MetaSet(set) => set.key.decode(room),
        Request::MetaDelete(delete) => delete.key.decode(room),
        Request::MetaArithmetic(count) => count.key.decode(room),
        Request::MetaDebug { key } => key.decode(room),
        _ => return None,
    })
}

pub(super) fn meta_key<'b>(request: &Request<'b>) -> Option<(MetaKey<'b>, MetaFlags<'b>)> {
    Some(match request {
        Request::MetaGet(get) => (get.key, get.flags),
        Request::MetaSet(set) => (set.key, set.flags),
        Request::MetaDelete(delete) => (delete.key, delete.flags),
        Request::MetaArithmetic(count) => (count.key, count.flags),
        _ => return None,
    })
}

/// Whether the client wants no reply at all.
#[inline]
pub(in crate::proxy) fn is_noreply(request: &Request<'_>) -> bool {
    match request {
        Request::Store(store) => store.noreply,
        Request::Arithmetic(arithmetic) => arithmetic.noreply,
        Request::Delete { noreply, .. }
        | Request::Touch { noreply, .. }
        | Request::FlushAll { noreply, .. }
        | Request::Verbosity { noreply, .. } => *noreply,
        _ => false,
    }
}

/// Whether items may become stale by this request, so that reading one as `mg` would take what only one reader gets.
pub(in crate::proxy) fn marks_stale(request: &Request<'_>) -> bool {
    match request {
        Request::MetaSet(set) => set.invalidate,
        Request::MetaDelete(delete) => delete.invalidate,
        _ => false,
    }
}

/// Whether the reply to a request cannot be told from garbage: memcached writes the key of `me` as it is, line ends and
/// all.
pub(in crate::proxy) fn replies_raw(request: &Request<'_>) -> bool {
    let mut room = [0; KEY_BYTES_MAX];
    match request {
        Request::MetaDebug { key } => key.is_base64() && Key::new(key.decode(&mut room)).is_err(),
        _ => false,
    }
}

/// Whether a reply would have to repeat a key that is no text. memcached 1.6.18 repeats the key of an item that `mg` made
/// on a miss as it is, so servers are not asked to; [`restore_key`](super::restore_key) does it in their place.
pub(in crate::proxy) fn hides_key(request: &Request<'_>) -> bool {
    let Some((key, flags)) = meta_key(request) else { return false };
    let mut room = [0; KEY_BYTES_MAX];
    key.is_base64()
        && flags.iter().any(|flag| flag.letter == b'k')
        && Key::new(key.decode(&mut room)).is_err()
}

/// Whether a key is too long for servers with so many bytes before it. What follows such a key could be taken for another
/// request.
pub(in crate::proxy) fn is_too_long(request: &Request<'_>, prefix: usize) -> bool {
    let mut room = [0; KEY_BYTES_MAX];
    let bytes = match (request, meta_key(request)) {
        (Request::Get(get), _) => get.keys.iter().map(|key| key.as_bytes().len()).max().unwrap_or(0) + prefix,
        (_, Some((key, _))) if key.is_base64() => (prefix + key.decode(&mut room).len()).div_ceil(3) * 4,
        _ => key(request, &mut room).map_or(0, <[u8]>::len) + prefix,
    };
    bytes > KEY_BYTES_MAX
}
