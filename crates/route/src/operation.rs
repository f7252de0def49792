//! What is asked of a server, as far as routes care.

/// The kinds of operation that routes tell apart. Every request about a key is one of them.
///
/// | operation | classic | meta |
/// |---|---|---|
/// | `Read` | `get`, `gets` | `mg`, `me` |
/// | `ReadAndTouch` | `gat`, `gats` | `mg` with `T` |
/// | `Store` | `set`, `add`, `replace`, `append`, `prepend` | `ms` |
/// | `CompareAndStore` | `cas` | `ms` with `C` |
/// | `Delete` | `delete` | `md` |
/// | `CompareAndDelete` | | `md` with `C` |
/// | `Arithmetic` | `incr`, `decr` | `ma` |
/// | `CompareAndCount` | | `ma` with `C` |
/// | `Touch` | `touch` | |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Asks for a value. With `mg`'s `N` (vivify) too: what it stores is a marker, not a value.
    Read,
    /// Asks for a value and changes when it expires.
    ReadAndTouch,
    /// Stores a value, perhaps on a condition.
    Store,
    /// Stores a value in place of a certain version.
    CompareAndStore,
    /// Takes a value away, or marks it stale.
    Delete,
    /// Takes a certain version away, or marks it stale.
    CompareAndDelete,
    /// Counts up or down.
    Arithmetic,
    /// Counts on from a certain version.
    CompareAndCount,
    /// Changes when a value expires.
    Touch,
}

/// The answer when no server is asked: that of a server which is empty and stores nothing.
///
/// The null route answers so, and [`OwnerDown::Miss`](crate::OwnerDown::Miss) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Absent {
    /// Nothing found: `END` alone, `EN`.
    Miss,
    /// Nothing stored: `NOT_STORED`, `NS`.
    NotStored,
    /// Nothing there to change: `NOT_FOUND`, `NF`.
    NotFound,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Operation; 9] = [
        Operation::Read,
        Operation::ReadAndTouch,
        Operation::Store,
        Operation::CompareAndStore,
        Operation::Delete,
        Operation::CompareAndDelete,
        Operation::Arithmetic,
        Operation::CompareAndCount,
        Operation::Touch,
    ];

    /// Whether a value is asked for. Only reads go on after a miss: a write that a server refused was decided by the
    /// item it has or lacks, and a second server's decision would be about another item.
    #[inline]
    pub fn is_read(self) -> bool {
        matches!(self, Operation::Read | Operation::ReadAndTouch)
    }

    /// Whether it names the version of an item that a server has told. Each server counts versions for itself, and both
    /// from small numbers: at another one the same number is another version, perhaps a newer value. Nobody but the owner
    /// may be asked.
    #[inline]
    pub fn names_version(self) -> bool {
        matches!(self, Operation::CompareAndStore | Operation::CompareAndDelete | Operation::CompareAndCount)
    }

    /// What is answered when no server is asked.
    #[inline]
    pub fn absent(self) -> Absent {
        match self {
            Operation::Read | Operation::ReadAndTouch => Absent::Miss,
            Operation::Store => Absent::NotStored,
            Operation::CompareAndStore
            | Operation::Delete
            | Operation::CompareAndDelete
            | Operation::Arithmetic
            | Operation::CompareAndCount
            | Operation::Touch => Absent::NotFound,
        }
    }
}
