//! What can be wrong with what a placement is asked to be built from. All of it is the caller's to mend.

use crate::Kind;

/// Why no placement could be built. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A host that is empty, or a host, name or address with a control character or of more than 1,024 bytes.
    #[error("server {index}: the {field} {what}")]
    Text {
        /// The server's place in the list, from 0.
        index: usize,
        /// Which of its fields.
        field: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A weight that this placement cannot have.
    #[error("server {index}: weight {weight}, where {kind} takes {wants}")]
    Weight {
        /// The server's place in the list, from 0.
        index: usize,
        /// Its weight.
        weight: f64,
        /// The placement.
        kind: Kind,
        /// What would do.
        wants: &'static str,
    },
    /// More points than [`POINTS_MAX`](crate::POINTS_MAX). Ask for fewer on each server, or for smaller weights.
    #[error("{asked} points, of which there can be {}", crate::POINTS_MAX)]
    Points {
        /// How many were asked for.
        asked: u64,
    },
    /// An option that does not fit the placement.
    #[error("{kind}: {option} {what}")]
    Option {
        /// The placement.
        kind: Kind,
        /// The option's name.
        option: &'static str,
        /// What is wrong.
        what: &'static str,
    },
}

/// Why a text names no placement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There is no placement of this name.
    #[error("no placement {name:?}; did you mean {nearest}?")]
    Kind {
        /// What was asked for.
        name: String,
        /// The nearest there is.
        nearest: Kind,
    },
    /// The placement has no such option.
    #[error("{kind} has no option {option:?}; {}", has(options))]
    Option {
        /// The placement.
        kind: Kind,
        /// What was asked for.
        option: String,
        /// Those it has.
        options: &'static [&'static str],
    },
    /// The option cannot have this value.
    #[error("{option}={value:?}: write {wants}")]
    Value {
        /// The option.
        option: &'static str,
        /// What was asked for.
        value: String,
        /// What would do.
        wants: String,
    },
}

fn has(options: &[&str]) -> String {
    if options.is_empty() { "it has none".to_owned() } else { format!("it has {}", options.join(", ")) }
}
