//! What came of asking a server, as far as routes care.

use crate::{Absent, Operation};

/// What an answer, or the lack of one, means to a route. The greater the better, so that `max` keeps the best answer.
///
/// A failover that has asked everybody gives the best answer it got, and of equal ones the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// No answer that says anything about the item. Another server may do better.
    Failed,
    /// The item's state said no: not there, not stored, changed meanwhile. An answer, not a failure.
    Miss,
    /// It was found, stored, deleted, counted, touched; or refused as a request that no server would take.
    Done,
}

/// Everything a server can say to an operation, and the ways in which it can say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// What was asked for: a value, `STORED`, `DELETED`, `TOUCHED`, a number, `HD`, `VA`.
    Success,
    /// No value: `END` alone, `EN`.
    Miss,
    /// `NOT_STORED`, `NS`.
    NotStored,
    /// `EXISTS`, `EX`.
    Exists,
    /// `NOT_FOUND`, `NF`.
    NotFound,
    /// `CLIENT_ERROR`: the request is wrong, here and everywhere.
    ClientError,
    /// `ERROR`: the server does not know the command; another version may.
    UnknownCommand,
    /// `SERVER_ERROR`: the server could not.
    ServerError,
    /// Nothing was sent: the server is known to be down, or could not be connected to.
    Down,
    /// Nothing was sent: too many requests wait for the server already.
    Overloaded,
    /// Nothing came in time. What was asked may have happened.
    TimedOut,
    /// The connection broke, or what came was no answer. What was asked may have happened.
    Lost,
}

impl Answer {
    /// What this answer means to a route: the one definition of it.
    #[inline]
    pub fn outcome(self) -> Outcome {
        match self {
            Answer::Success | Answer::ClientError => Outcome::Done,
            Answer::Miss | Answer::NotStored | Answer::Exists | Answer::NotFound => Outcome::Miss,
            Answer::UnknownCommand
            | Answer::ServerError
            | Answer::Down
            | Answer::Overloaded
            | Answer::TimedOut
            | Answer::Lost => Outcome::Failed,
        }
    }

    /// Whether the server may have done what was asked without having said so.
    #[inline]
    pub fn is_uncertain(self) -> bool {
        matches!(self, Answer::TimedOut | Answer::Lost)
    }
}

impl From<Absent> for Answer {
    fn from(absent: Absent) -> Answer {
        match absent {
            Absent::Miss => Answer::Miss,
            Absent::NotStored => Answer::NotStored,
            Absent::NotFound => Answer::NotFound,
        }
    }
}

impl Outcome {
    /// Every outcome, the worst first.
    pub const ALL: [Outcome; 3] = [Outcome::Failed, Outcome::Miss, Outcome::Done];

    /// Whether routes may go on after it: after a failure unless the request names a version, which means something to one
    /// server only; after a miss with reads; never after success.
    #[inline]
    pub fn may_lead_on(self, operation: Operation) -> bool {
        match self {
            Outcome::Failed => !operation.names_version(),
            Outcome::Miss => operation.is_read(),
            Outcome::Done => false,
        }
    }

    /// Whether an answer of this outcome is to be kept in place of `held`: of equal ones the first stays.
    #[inline]
    pub fn beats(self, held: Option<Outcome>) -> bool {
        held.is_none_or(|held| self > held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_answers_are_greater() {
        assert!(Outcome::Done > Outcome::Miss && Outcome::Miss > Outcome::Failed);
    }

    #[test]
    fn what_nobody_answers_is_a_miss() {
        for operation in Operation::ALL {
            assert_eq!(Answer::from(operation.absent()).outcome(), Outcome::Miss, "{operation:?}");
        }
    }

    #[test]
    fn an_answer_about_the_item_is_no_failure() {
        for answer in [Answer::NotStored, Answer::Exists, Answer::NotFound, Answer::Miss] {
            assert_eq!(answer.outcome(), Outcome::Miss);
            assert!(!answer.outcome().may_lead_on(Operation::Store), "{answer:?}: writes end here");
            assert!(answer.outcome().may_lead_on(Operation::Read), "{answer:?}: reads may go on");
        }
        assert_eq!(Answer::ClientError.outcome(), Outcome::Done, "no server would take it");
        assert_eq!(Answer::Overloaded.outcome(), Outcome::Failed);
    }
}
