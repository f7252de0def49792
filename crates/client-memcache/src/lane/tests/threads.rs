//! The same with threads: whatever the machine makes of it.

use std::thread;
use std::time::Duration;

use super::*;

/// Wakes a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// More than any caller waits for a thread that is not being run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for the answer, or goes after so many polls.
fn ask(lanes: &[Arc<Lane>], number: u64, polls: usize) -> Option<Result<Answer, Error>> {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut exchange = Exchange::new(lanes, 0, Numbered(number));
    for _ in 0..polls {
        if let Poll::Ready(answer) = Pin::new(&mut exchange).poll(&mut Context::from_waker(&waker)) {
            return Some(answer);
        }
        if polls == usize::MAX {
            let before = std::time::Instant::now();
            thread::park_timeout(PATIENCE);
            assert!(before.elapsed() < PATIENCE, "nobody woke the caller of {number}");
        }
    }
    None
}

#[test]
fn callers_on_threads_get_their_own_answers() {
    const REQUESTS: u64 = 3000;
    let config = ServerConfig { queue_requests_max: 64, ..ServerConfig::default() };
    let endpoint: Endpoint = "127.0.0.1:1".parse().unwrap();
    let lanes = [Arc::new(Lane::new(endpoint.clone(), Arc::new(config), Arc::default()))];
    let caller = |which: u64| {
        let lanes = &lanes;
        move || {
            let mut answered = 0;
            for number in (0..REQUESTS).map(|number| number * 2 + which) {
                let polls = [usize::MAX, usize::MAX, 1, 2][number as usize / 2 % 4];
                match ask(lanes, number, polls) {
                    Some(Ok(answer)) => {
                        assert_eq!(answer, Answer::Number(number), "its own answer");
                        answered += 1;
                    }
                    Some(Err(Error::Lost { .. } | Error::Overloaded { .. })) | None => {}
                    Some(Err(error)) => panic!("{error}"),
                }
            }
            answered
        }
    };
    let answered: u64 = thread::scope(|scope| {
        let callers = [0, 1].map(|which| scope.spawn(caller(which)));
        let mut server = Server::default();
        let mut turns = 0_u64;
        while !callers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let is_open = lanes[0].is_open();
            if !is_open {
                assert!(lanes[0].open(Link { meta: false, direct: None }).is_some());
            }
            server.take(&lanes[0]);
            server.reply(&lanes[0], 1 + turns as usize % 3);
            turns += 1;
            if turns.is_multiple_of(500) {
                server.flight.clear();
                lanes[0].close(None, &Error::Lost { endpoint: endpoint.clone() }, None);
            }
            thread::yield_now();
        }
        server.take(&lanes[0]);
        server.reply(&lanes[0], usize::MAX);
        callers.map(|caller| caller.join().unwrap()).into_iter().sum()
    });
    assert!(answered > REQUESTS / 2, "{answered} of {REQUESTS}");
    assert_eq!(lanes[0].waiting(), 0, "every slot is free");
}
