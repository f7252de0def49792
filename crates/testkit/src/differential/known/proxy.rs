//! What may differ between one server and a proxy over several, besides.

use super::{Handling, KnownDifference};

/// Everything that is compared otherwise, or not at all, when the second server is a proxy.
///
/// `flush_all`, `verbosity`, `version`, `touch`, `gat`, multi-gets and all that is wrong with a command are compared as
/// between servers.
pub const PROXY_DIFFERENCES: &[KnownDifference] = &[
    KnownDifference {
        what: "CAS values",
        why: "each server counts its own; they are named by their order of appearance for each key, and each side is \
              sent the values it has told itself",
        handling: Handling::Compared,
    },
    KnownDifference {
        what: "what memcached does to the length of a number, behind other commands in one batch",
        why: "it depends on whether the server has written its earlier replies, and mn, which makes it, is answered by \
              the proxy; incr, decr and ma wait until everything before is answered",
        handling: Handling::Compared,
    },
    KnownDifference {
        what: "me of a key in base64",
        why: "memcached writes any key raw into the reply to me, line ends too, so a proxy that shares its connections \
              cannot ask",
        handling: Handling::NotSent,
    },
];
