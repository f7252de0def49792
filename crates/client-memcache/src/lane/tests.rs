//! Callers and a connection as a sequence of what each does under the lock, against a model: all short ones, and long ones
//! at random.

mod cancel;
mod threads;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};

use proptest::prelude::*;

use super::*;

/// A request that is answered with its own number.
struct Numbered(u64);

impl Request for Numbered {
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<Expect, Error> {
        encoder.number(self.0).text(b"\r\n");
        Ok(Expect::Number)
    }

    fn bytes(&self) -> usize {
        16
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// What happens next; numbers choose among the callers there are.
#[derive(Debug, Clone)]
enum Event {
    /// A caller comes and polls for the first time.
    Ask,
    /// A caller polls again, woken or not.
    Poll(usize),
    /// A caller goes.
    Drop(usize),
    /// A connection is made.
    Open,
    /// The connection breaks; with true the server is down from now on.
    Close(bool),
    /// A probe would be made.
    Idle,
    /// The driver takes what is to be written, or goes to sleep.
    Take,
    /// So many replies come in one read.
    Reply(usize),
}

struct Caller<'l> {
    number: u64,
    exchange: Pin<Box<Exchange<'l, Numbered>>>,
    woken: Arc<Woken>,
    /// How often it had been woken when it last polled.
    seen: usize,
}

impl Caller<'_> {
    fn poll(&mut self) -> Poll<Result<Answer, Error>> {
        self.seen = self.woken.0.load(Ordering::SeqCst);
        let waker = self.woken.clone().into();
        self.exchange.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

/// The part of the driver and the server.
#[derive(Default)]
struct Server {
    /// Slots in flight, and the number that each request turned out to have.
    flight: VecDeque<(usize, u64)>,
    woken: Arc<Woken>,
}

impl Server {
    /// Whether that changed anything.
    fn take(&mut self, lane: &Lane) -> bool {
        let mut desk = lane.desk();
        if !matches!(desk.phase, Phase::Open(_)) {
            return false;
        }
        if desk.outbox.is_empty() {
            return desk.driver.replace(self.woken.clone().into()).is_none();
        }
        let outbox = String::from_utf8(std::mem::take(&mut desk.outbox)).unwrap();
        let numbers = outbox.lines().map(|line| line.trim().parse().unwrap());
        let slots: Vec<_> = desk.queued.drain(..).map(|queued| queued.slot).collect();
        assert_eq!(slots.len(), outbox.lines().count(), "a slot for each request");
        self.flight.extend(slots.into_iter().zip(numbers));
        true
    }

    fn reply(&mut self, lane: &Lane, replies: usize) {
        let mut wakers = Vec::new();
        let mut desk = lane.desk();
        let replies = replies.min(self.flight.len());
        desk.crowd = replies;
        for (slot, number) in self.flight.drain(..replies) {
            desk.slots.answer(slot, Ok(Answer::Number(number)), &mut wakers);
        }
        drop(desk);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// What came of the last event before everything ends well.
struct Played {
    /// Whether it did anything. If not, what may follow it was seen without it.
    moved: bool,
    callers: usize,
}

fn play(events: &[Event]) -> Played {
    let config = ServerConfig { queue_requests_max: 5, ..ServerConfig::default() };
    let endpoint: Endpoint = "127.0.0.1:1".parse().unwrap();
    let lanes = [Arc::new(Lane::new(endpoint.clone(), Arc::new(config), Arc::default()))];
    let lane = &lanes[0];
    let mut server = Server::default();
    let mut callers: Vec<Caller<'_>> = Vec::new();
    let all =
        [Event::Open, Event::Take, Event::Reply(99), Event::Idle, Event::Open, Event::Take, Event::Reply(99)];
    let ending = events.len();
    let mut played = Played { moved: true, callers: 0 };
    for (at, event) in events.iter().cloned().chain(all).enumerate() {
        let mut moved = true;
        let polled = match event {
            Event::Ask => {
                let number = at as u64;
                let exchange = Box::pin(Exchange::new(&lanes, 0, Numbered(number)));
                callers.push(Caller { number, exchange, woken: Arc::default(), seen: 0 });
                Some(callers.len() - 1)
            }
            Event::Poll(which) => {
                let which = which.checked_rem(callers.len());
                moved = which.is_some_and(|which| is_woken(&callers[which]));
                which
            }
            Event::Drop(which) => {
                moved = !callers.is_empty();
                if let Some(which) = which.checked_rem(callers.len()) {
                    callers.swap_remove(which);
                }
                None
            }
            Event::Open => {
                moved = matches!(lane.desk().phase, Phase::Idle | Phase::Connecting);
                if moved {
                    assert!(lane.open(Link { meta: false, direct: None }).is_some());
                }
                None
            }
            Event::Close(down) => {
                moved = matches!(lane.desk().phase, Phase::Open(_));
                if moved {
                    server.flight.clear();
                    lane.close(None, &Error::Lost { endpoint: endpoint.clone() }, down.then_some(Down::Lost));
                }
                None
            }
            Event::Idle => {
                moved = matches!(lane.desk().phase, Phase::Down(_));
                lane.idle();
                None
            }
            Event::Take => {
                moved = server.take(lane);
                None
            }
            Event::Reply(replies) => {
                moved = replies > 0 && replies <= server.flight.len();
                server.reply(lane, replies);
                None
            }
        };
        // At the end, and whenever woken, callers poll.
        let due: Vec<usize> = (0..callers.len())
            .filter(|i| Some(*i) == polled || at >= ending && is_woken(&callers[*i]))
            .collect();
        for which in due.into_iter().rev() {
            match callers[which].poll() {
                Poll::Pending => {}
                Poll::Ready(Ok(answer)) => {
                    assert_eq!(answer, Answer::Number(callers[which].number), "its own answer");
                    callers.swap_remove(which);
                }
                Poll::Ready(Err(error)) => {
                    let known = matches!(
                        error,
                        Error::Lost { .. } | Error::ServerDown { .. } | Error::Overloaded { .. }
                    );
                    assert!(known, "{error}");
                    callers.swap_remove(which);
                }
            }
        }
        let desk = lane.desk();
        assert!(desk.driver.is_none() || desk.outbox.is_empty(), "the driver sleeps over requests");
        assert!(desk.slots.len() <= 5, "the bound holds");
        if at + 1 == ending {
            played = Played { moved, callers: callers.len() };
        }
    }
    assert_eq!(callers.len(), 0, "everybody was woken for an answer");
    assert_eq!(lane.waiting(), 0, "every slot is free");
    played
}

fn is_woken(caller: &Caller<'_>) -> bool {
    caller.woken.0.load(Ordering::SeqCst) > caller.seen
}

/// Plays all sequences that begin so and are no longer than `most`, of two callers at a time; how many there were.
fn play_all(begun: &mut Vec<Event>, most: usize) -> usize {
    let Played { moved, callers } = play(begun);
    if !moved || begun.len() == most {
        return 1;
    }
    let others = [
        Event::Poll(0),
        Event::Drop(0),
        Event::Open,
        Event::Close(false),
        Event::Close(true),
        Event::Idle,
        Event::Take,
        Event::Reply(1),
    ];
    let of_two = [Event::Poll(1), Event::Drop(1), Event::Reply(2)];
    let ask = [Event::Ask].into_iter().filter(|_| callers < 2);
    let next = ask.chain(others).chain(of_two.into_iter().filter(|_| callers == 2));
    let mut played = 1;
    for event in next {
        begun.push(event);
        played += play_all(begun, most);
        begun.pop();
    }
    played
}

#[test]
fn every_short_order_of_two_callers_and_a_connection() {
    assert!(play_all(&mut Vec::new(), 7) > 10_000);
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => Just(Event::Ask),
        4 => (0..9_usize).prop_map(Event::Poll),
        3 => (0..9_usize).prop_map(Event::Drop),
        2 => Just(Event::Open),
        1 => any::<bool>().prop_map(Event::Close),
        1 => Just(Event::Idle),
        5 => Just(Event::Take),
        4 => (0..4_usize).prop_map(Event::Reply),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_caller_gets_its_own_answer_and_is_woken_for_it(events in prop::collection::vec(event(), 0..60)) {
        play(&events);
    }
}
