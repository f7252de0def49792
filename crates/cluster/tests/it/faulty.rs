//! A small backend that can be given one fault: what the contract is tried on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use peerset_cluster::contract::Backend;
use peerset_cluster::{
    BoxFuture, Discover, Intent, Limits, Member, MemberId, Membership, Publisher, Register, RegisterError,
    Revision, SourceName, Watch, Wish, channel,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Says "empty" when it means "I do not know".
    ForgetsOnLoss,
    /// Leaves a member whose membership is gone.
    KeepsDropped,
    /// Ends a dropped membership late, and whoever has its id by then with it.
    EndsLate,
    /// Writes a member once and never again.
    IgnoresChanges,
    /// Goes on after close.
    NeverCloses,
    /// Never says anything.
    NeverAnswers,
}

#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    fault: Fault,
    view: Watch,
    book: Arc<Mutex<Option<Book>>>,
}

#[derive(Debug)]
struct Book {
    publisher: Publisher,
    members: BTreeMap<MemberId, Arc<Member>>,
    lost: bool,
}

impl Faulty {
    pub(crate) fn backend(fault: Fault) -> Backend {
        let (publisher, view) = channel(SourceName::new("faulty"), Limits::default());
        let book = Book { publisher, members: BTreeMap::new(), lost: false };
        let faulty = Faulty { fault, view, book: Arc::new(Mutex::new(Some(book))) };
        faulty.change(|_| ());
        let (losing, recovering) = (faulty.clone(), faulty.clone());
        let lose = move || losing.lose();
        let recover = move || recovering.change(|book| book.lost = false);
        Backend::new(faulty.clone()).registering(faulty).losing(lose, recover)
    }

    fn lose(&self) {
        self.change(|book| book.lost = true);
        match (self.fault, &*self.book.lock().unwrap()) {
            (Fault::ForgetsOnLoss, Some(book)) => {
                drop(book.publisher.publish([] as [Member; 0], Revision(1)));
            }
            (_, Some(book)) => book.publisher.lost(),
            (_, None) => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut Book)) {
        if let Some(book) = &mut *self.book.lock().unwrap() {
            change(book);
            if !book.lost && self.fault != Fault::NeverAnswers {
                book.publisher.publish(book.members.values().cloned(), Revision(1));
            }
        }
    }

    async fn carry_out(self, mut intent: Intent) {
        let mut view = self.view.clone();
        loop {
            let wish = tokio::select! {
                wish = intent.next() => wish,
                _ = view.wait_for(|_| false) => return,
            };
            if (self.fault, &wish) == (Fault::EndsLate, &Wish::Dropped) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await; // of paused time
            }
            match &wish {
                Wish::Registered(member) => self.change(|book| {
                    let before = book.members.get(&member.id).cloned();
                    let kept = before.filter(|_| self.fault == Fault::IgnoresChanges);
                    book.members.insert(member.id.clone(), kept.unwrap_or_else(|| member.clone()));
                }),
                Wish::Dropped if self.fault == Fault::KeepsDropped => return,
                Wish::Deregistered | Wish::Dropped => {
                    self.change(|book| drop(book.members.remove(intent.id())));
                }
            }
            if wish == Wish::Dropped {
                return;
            }
            intent.done();
        }
    }
}

impl Discover for Faulty {
    fn source(&self) -> SourceName {
        SourceName::new("faulty")
    }

    fn watch(&self) -> Watch {
        self.view.clone()
    }

    fn close(&self) {
        if self.fault != Fault::NeverCloses {
            self.book.lock().unwrap().take();
        }
    }
}

impl Register for Faulty {
    fn create_membership(&self, member: Member) -> BoxFuture<'_, Result<Membership, RegisterError>> {
        Box::pin(async {
            let (membership, intent) = Membership::new(member, self.view.clone(), Limits::default())?;
            tokio::spawn(self.clone().carry_out(intent));
            Ok(membership)
        })
    }
}
