//! What can go wrong with a membership.

use std::sync::Arc;

use crate::{Closed, MemberError, MemberId, SourceName};

/// Why a membership could not be created, registered or deregistered.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The caller's member is not acceptable; nothing was sent.
    #[error("member {id} is not acceptable")]
    Member {
        /// Which one.
        id: MemberId,
        /// What is wrong with it.
        #[source]
        error: MemberError,
    },
    /// Another membership of this handle has the id; drop that one first.
    #[error("{id} is already a membership of {source_name}")]
    IdTaken {
        /// The id.
        id: MemberId,
        /// The backend.
        source_name: SourceName,
    },
    /// The backend said no for good: repeating will not help without a change. What was registered before, if
    /// anything, is unchanged.
    #[error("{source_name} refused {id}")]
    Refused {
        /// Whose registration.
        id: MemberId,
        /// The backend.
        source_name: SourceName,
        /// What the backend said.
        #[source]
        error: DriverError,
    },
    /// The backend took it, into a set of more members than [`Limits`](crate::Limits) allows, which shows without it. It
    /// stays registered, and shows once others have left.
    #[error("{id} is registered, but left out of {source_name}, which shows at most {members_max} members")]
    LeftOut {
        /// Whose registration.
        id: MemberId,
        /// The backend.
        source_name: SourceName,
        /// [`Limits::members_max`](crate::Limits::members_max).
        members_max: usize,
    },
    /// Another call wanted the opposite before this one was done; that call decides.
    #[error("a later call for {id} took over")]
    Superseded {
        /// Whose registration.
        id: MemberId,
    },
    /// The source was closed, which also ends its registrations.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The backend needs a tokio runtime to work in the background, and there is none here.
    #[error("{source_name} must be used inside a tokio runtime")]
    NoRuntime {
        /// The backend.
        source_name: SourceName,
    },
}

/// A driver's own error, kept as the source of another without naming its type.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct DriverError(Arc<dyn std::error::Error + Send + Sync>);

impl DriverError {
    /// Keeps `error` with its sources.
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        DriverError(Arc::new(error))
    }
}
