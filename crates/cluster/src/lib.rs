//! Who is there: members, snapshots, watches, and the contract every discovery source keeps.
