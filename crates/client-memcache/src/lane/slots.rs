//! Where answers are handed over, one slot for each request.

use std::task::Waker;

use slab::Slab;

use super::Answer;
use crate::error::Error;

/// The slots of one lane. Reused, so that a request allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Slots(Slab<Slot>);

#[derive(Debug)]
enum Slot {
    /// Its caller waits until there is a connection to send on.
    Parked(Waker),
    /// Its request is on the way, and its caller waits.
    Sent(Waker),
    /// Its request is on the way, and its caller has gone: the reply is to be swallowed.
    Abandoned,
    /// The caller has been woken to fetch it.
    Answered(Result<Answer, Error>),
}

/// What a caller finds in its slot.
pub(super) enum Found {
    /// It is parked still.
    Parked,
    /// No answer yet.
    Sent,
    /// The answer; the slot is free again.
    Answered(Result<Answer, Error>),
}

impl Slots {
    /// How many are taken, abandoned ones included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes a slot for a caller without a connection.
    pub(super) fn park(&mut self, waker: Waker) -> usize {
        self.0.insert(Slot::Parked(waker))
    }

    /// Takes a slot for a request that goes out.
    pub(super) fn send(&mut self, waker: Waker) -> usize {
        self.0.insert(Slot::Sent(waker))
    }

    /// The request of a parked caller goes out.
    pub(super) fn send_parked(&mut self, slot: usize, waker: Waker) {
        debug_assert!(matches!(self.0[slot], Slot::Parked(_)));
        self.0[slot] = Slot::Sent(waker);
    }

    /// Frees the slot of a parked caller that goes.
    pub(super) fn unpark(&mut self, slot: usize) {
        self.0.remove(slot);
    }

    /// Looks for the answer, and if there is none notes whom to wake.
    pub(super) fn look(&mut self, slot: usize, waker: &Waker) -> Found {
        match &mut self.0[slot] {
            Slot::Parked(known) => {
                known.clone_from(waker);
                Found::Parked
            }
            Slot::Sent(known) => {
                known.clone_from(waker);
                Found::Sent
            }
            Slot::Answered(_) => match self.0.remove(slot) {
                Slot::Answered(answer) => Found::Answered(answer),
                Slot::Parked(_) | Slot::Sent(_) | Slot::Abandoned => Found::Sent,
            },
            Slot::Abandoned => {
                debug_assert!(false, "who abandons a slot does not come back");
                Found::Sent
            }
        }
    }

    /// The caller goes. A request that is on the way keeps its slot.
    pub(super) fn abandon(&mut self, slot: usize) {
        match &mut self.0[slot] {
            sent @ Slot::Sent(_) => *sent = Slot::Abandoned,
            Slot::Parked(_) | Slot::Answered(_) => {
                self.0.remove(slot);
            }
            Slot::Abandoned => debug_assert!(false, "a caller goes only once"),
        }
    }

    /// Hands an answer over; false if nobody waits for it.
    pub(super) fn answer(
        &mut self,
        slot: usize,
        answer: Result<Answer, Error>,
        wakers: &mut Vec<Waker>,
    ) -> bool {
        match std::mem::replace(&mut self.0[slot], Slot::Answered(answer)) {
            Slot::Sent(waker) => {
                wakers.push(waker);
                true
            }
            before => {
                debug_assert!(matches!(before, Slot::Abandoned), "one answer to a request");
                self.0.remove(slot);
                false
            }
        }
    }

    /// Fails all requests that are on the way, and says how many there were.
    pub(super) fn fail_sent(&mut self, error: &Error, wakers: &mut Vec<Waker>) -> usize {
        let mut failed = 0;
        self.0.retain(|_, slot| match slot {
            Slot::Sent(waker) => {
                wakers.push(waker.clone());
                *slot = Slot::Answered(Err(error.clone()));
                failed += 1;
                true
            }
            Slot::Abandoned => {
                failed += 1;
                false
            }
            Slot::Parked(_) | Slot::Answered(_) => true,
        });
        failed
    }

    /// Fails all callers who wait for a connection.
    pub(super) fn fail_parked(&mut self, error: &Error, wakers: &mut Vec<Waker>) {
        for (_, slot) in &mut self.0 {
            if let Slot::Parked(waker) = slot {
                wakers.push(waker.clone());
                *slot = Slot::Answered(Err(error.clone()));
            }
        }
    }

    /// Whether a caller waits for a connection, or has yet to see that there is one.
    pub(super) fn has_parked(&self) -> bool {
        self.0.iter().any(|(_, slot)| matches!(slot, Slot::Parked(_)))
    }

    /// Lets all callers who wait for a connection look again.
    pub(super) fn wake_parked(&self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.0.iter().filter_map(|(_, slot)| match slot {
            Slot::Parked(waker) => Some(waker.clone()),
            Slot::Sent(_) | Slot::Abandoned | Slot::Answered(_) => None,
        }));
    }
}
