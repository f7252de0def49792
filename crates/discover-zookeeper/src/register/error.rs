//! Why a registration failed.

use zookeeper_client::Error;

use crate::WriteError;

/// Why a registration failed; the source of what [`Membership`](peerset_cluster::Membership) reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The member cannot stand in a serverset. Nothing was sent.
    #[error(transparent)]
    Member(#[from] WriteError),
    /// These credentials may not create or delete members there. Nothing changed.
    #[error("{path}: the credentials do not allow it")]
    Denied {
        /// The set.
        path: String,
    },
    /// The set's znode is itself somebody's member, and those have no children. Nothing changed.
    #[error("{path} is itself a member or another ephemeral node, which can have no members")]
    SetIsMember {
        /// The set.
        path: String,
    },
    /// The ensemble would not take it, for a reason that does not pass: a quota, or an access control list that is
    /// empty because there are no credentials. Nothing changed.
    #[error("{path}: {reason}")]
    Refused {
        /// The set.
        path: String,
        /// What it said.
        reason: String,
    },
    /// The connection was lost, or the ensemble is in trouble. It is tried again; whether the last attempt worked is
    /// looked up then.
    #[error("{path}: {reason}")]
    Unavailable {
        /// The set.
        path: String,
        /// What happened.
        reason: String,
    },
}

impl RegistrationError {
    pub(super) fn new(path: &str, error: &Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        match error {
            Error::NoAuth => RegistrationError::Denied { path },
            Error::NoChildrenForEphemerals => RegistrationError::SetIsMember { path },
            Error::InvalidAcl | Error::QuotaExceeded | Error::BadArguments(_) => {
                RegistrationError::Refused { path, reason }
            }
            _ => RegistrationError::Unavailable { path, reason },
        }
    }

    /// Whether trying again without a change is of no use.
    pub(super) fn is_final(&self) -> bool {
        match self {
            RegistrationError::Unavailable { .. } => false,
            RegistrationError::Member(_)
            | RegistrationError::Denied { .. }
            | RegistrationError::SetIsMember { .. }
            | RegistrationError::Refused { .. } => true,
        }
    }
}
