//! What the node counts of the commands it answers, one set a worker.

use crate::front::Counter;

/// Defines a struct of counters and its sum over workers, from one list.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Counts of one worker. Aligned so that no two workers write to one cache line.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub(crate) struct CommandCounters {
            $($(#[doc = $doc])+ pub(crate) $name: Counter,)+
        }

        /// The counts of all workers at one moment.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct CommandCounts {
            $($(#[doc = $doc])+ pub(crate) $name: u64,)+
        }

        impl CommandCounts {
            /// Adds the sets of all workers up.
            pub(crate) fn sum(workers: &[CommandCounters]) -> CommandCounts {
                CommandCounts { $($name: workers.iter().map(|worker| worker.$name.value()).sum(),)+ }
            }

            /// What was counted since `earlier`.
            pub(crate) fn since(&self, earlier: &CommandCounts) -> CommandCounts {
                CommandCounts { $($name: self.$name.saturating_sub(earlier.$name),)+ }
            }
        }
    };
}

counters! {
    /// Keys asked for by get, gets and mg.
    cmd_get,
    /// Values sent to be stored, whatever came of it.
    cmd_set,
    /// flush_all commands.
    cmd_flush,
    /// touch, gat, gats and mg with T.
    cmd_touch,
    /// Meta commands.
    cmd_meta,
    /// Keys asked for and found.
    get_hits,
    /// Keys asked for and not found.
    get_misses,
    /// Touches that found their key.
    touch_hits,
    /// Touches that did not.
    touch_misses,
    /// Deletes that found their key.
    delete_hits,
    /// Deletes that did not, or met another CAS value.
    delete_misses,
    /// incr that found their key.
    incr_hits,
    /// incr that did not.
    incr_misses,
    /// decr that found their key.
    decr_hits,
    /// decr that did not.
    decr_misses,
    /// Stores that met the CAS value they named.
    cas_hits,
    /// Stores with a CAS value for a key that is not there.
    cas_misses,
    /// Stores that met another CAS value.
    cas_badval,
    /// Values refused because an item may not be so large.
    store_too_large,
    /// Values refused because no memory could be freed.
    store_no_memory,
    /// Lines that were no request.
    protocol_errors,
}
