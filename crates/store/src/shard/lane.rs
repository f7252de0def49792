//! The two queues of segments, oldest first.

use std::collections::VecDeque;

use crate::segment::{Queue, SegmentId};

/// One queue: the segment that is being filled, and the full ones.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) open: Option<SegmentId>,
    sealed: VecDeque<SegmentId>,
}

impl Lane {
    /// Makes a new segment the one to fill; the one before joins the queue.
    pub(super) fn open(&mut self, id: SegmentId) {
        self.seal();
        self.open = Some(id);
    }

    /// Closes the open segment though it may have room.
    pub(super) fn seal(&mut self) {
        self.sealed.extend(self.open.take());
    }

    pub(super) fn oldest(&self) -> Option<SegmentId> {
        self.sealed.front().copied()
    }

    pub(super) fn sealed(&self) -> impl Iterator<Item = SegmentId> + '_ {
        self.sealed.iter().copied()
    }

    pub(super) fn sealed_len(&self) -> usize {
        self.sealed.len()
    }

    /// Takes a segment out, wherever it stands. Mostly it is the oldest.
    pub(super) fn remove(&mut self, id: SegmentId) {
        if self.open == Some(id) {
            self.open = None;
        } else if let Some(at) = self.sealed.iter().position(|&other| other == id) {
            self.sealed.remove(at);
        }
    }
}

/// Both queues.
#[derive(Default)]
pub(super) struct Lanes {
    pub(super) probation: Lane,
    pub(super) main: Lane,
}

impl Lanes {
    pub(super) fn lane(&self, queue: Queue) -> &Lane {
        match queue {
            Queue::Probation => &self.probation,
            Queue::Main => &self.main,
        }
    }

    pub(super) fn lane_mut(&mut self, queue: Queue) -> &mut Lane {
        match queue {
            Queue::Probation => &mut self.probation,
            Queue::Main => &mut self.main,
        }
    }
}
