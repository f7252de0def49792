//! The front with a service that echoes, so that only connections are under test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use peerset_testkit::wait_for;

use super::*;

/// Echoes whole lines, one in each turn, so that there is always a rest for a later one. Busy for so many turns more.
#[derive(Default)]
struct Echo {
    later: Arc<AtomicUsize>,
}

impl Service for Echo {
    type Session = ();
    type Reservation = ();

    fn open(&mut self, _: Option<SocketAddr>) {}

    fn process(&mut self, _: Client, (): &mut (), input: &[u8], output: &mut Vec<u8>, _: Now) -> Turn {
        match input.iter().position(|&byte| byte == b'\n') {
            None => Turn { consumed: 0, next: Next::Read { bytes_min: 1 } },
            Some(end) => {
                output.extend_from_slice(&input[..=end]);
                let next = if end + 1 < input.len() { Next::Flush } else { Next::Read { bytes_min: 1 } };
                Turn { consumed: end + 1, next }
            }
        }
    }

    fn reserve(&mut self, _: Purpose, _: usize, _: u32) -> Option<()> {
        Some(())
    }

    fn is_scarce(&self, _: Purpose) -> bool {
        false
    }

    fn end_turn(&mut self, _: Now, _: &mut Vec<Client>) {
        let _ = self.later.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |turns| turns.checked_sub(1));
    }

    fn is_busy(&self) -> bool {
        self.later.load(Ordering::Relaxed) > 0
    }

    fn patience(&self) -> Option<Duration> {
        self.is_busy().then_some(Duration::from_millis(1))
    }
}

fn config(threads: usize, idle_timeout: Option<Duration>) -> Config {
    Config { threads, elastic: true, max_conns: 100, idle_timeout, stall_timeout: Duration::from_secs(60) }
}

fn start(threads: usize) -> (Front, SocketAddr, Arc<FrontCounters>) {
    start_with(threads, &Arc::default())
}

fn start_with(threads: usize, later: &Arc<AtomicUsize>) -> (Front, SocketAddr, Arc<FrontCounters>) {
    let listener = BoundListener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
    let ListenAddress::Tcp(address) = listener.address().unwrap() else { panic!("a TCP address") };
    let config = config(threads, None);
    let counters = Arc::new(FrontCounters::new(threads));
    let echo = |_| Echo { later: later.clone() };
    (Front::start(&config, vec![listener], &counters, echo).unwrap(), address, counters)
}

/// Sends a few lines of changing lengths, some cut in two, and wants them back; until told to stop. Counts how often.
fn ping_pong(address: SocketAddr, stop: &AtomicBool, done: &AtomicUsize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        let lines: String = (0..rounds % 7 + 1)
            .map(|line| format!("{rounds} {line} {}\n", "x".repeat(rounds % 300)))
            .collect();
        let (first, second) = lines.as_bytes().split_at(rounds % lines.len());
        stream.write_all(first).unwrap();
        stream.write_all(second).unwrap();
        let mut back = vec![0; lines.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, lines.as_bytes());
        rounds += 1;
        done.store(rounds, Ordering::Relaxed);
    }
}

#[test]
fn nothing_is_lost_while_connections_move_between_workers() {
    let (front, address, counters) = start(3);
    let stop = Arc::new(AtomicBool::new(false));
    let done: Arc<[AtomicUsize]> = (0..12).map(|_| AtomicUsize::new(0)).collect();
    let clients: Vec<_> = (0..done.len())
        .map(|client| {
            let (stop, done) = (stop.clone(), done.clone());
            thread::spawn(move || ping_pong(address, &stop, &done[client]))
        })
        .collect();
    let (mut seen, mut round) = ([false; 3], 0);
    wait_for(
        "every worker to have had connections, and every client many replies",
        Duration::from_secs(60),
        || {
            // Held for a while: connections are handed over every 20 ms at most.
            front.staff.set_active([1, 3, 2][round / 20 % 3]);
            front.stop.wake_all();
            round += 1;
            for (worker, seen) in counters.workers.iter().zip(&mut seen) {
                *seen |= worker.connections.load(Ordering::Relaxed) > 0;
            }
            let ended = clients.iter().any(JoinHandle::is_finished);
            let busy = done.iter().all(|rounds| rounds.load(Ordering::Relaxed) > 20);
            (ended || round > 300 && busy && seen == [true; 3]).then_some(())
        },
    );
    stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
    front.drain();
    assert_eq!(counters.connections(), 0);
}

#[test]
fn draining_answers_what_has_arrived() {
    let (front, address, _) = start(2);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"accepted\n").unwrap();
    stream.read_exact(&mut [0; b"accepted\n".len()]).unwrap();
    let lines = "line\n".repeat(1000);
    stream.write_all(lines.as_bytes()).unwrap();
    let start = Instant::now();
    front.drain();
    // Longer, and the rest was given up.
    if start.elapsed() < DRAIN_LIMIT {
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        assert_eq!(back.len(), lines.len());
    }
}

#[test]
fn draining_waits_for_what_nobody_waits_for() {
    let later = Arc::new(AtomicUsize::new(0));
    let (front, address, _) = start_with(1, &later);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"line\n").unwrap();
    stream.read_exact(&mut [0; b"line\n".len()]).unwrap();
    later.store(100, Ordering::Relaxed);
    drop(stream);
    let start = Instant::now();
    front.drain();
    let left = later.load(Ordering::Relaxed);
    assert!(left == 0 || start.elapsed() >= DRAIN_LIMIT, "{left} turns were still to come");
}

/// The clock alone does not tell who is idle: as much time may have passed for want of a turn of this process.
#[test]
fn who_has_spoken_is_not_idle_however_late_it_is_heard() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    peer.write_all(b"line\n").unwrap();
    stream.peek(&mut [0]).unwrap();
    stream.set_nonblocking(true).unwrap();

    let hour = Duration::from_secs(3600);
    let (config, counters) = (config(1, Some(hour)), Arc::new(FrontCounters::new(1)));
    let staff = staffing::Staffing::new(&config, counters.clone()).staff();
    let (mut worker, _inbox) =
        worker::Worker::new(0, &config, counters.clone(), staff, Echo::default()).unwrap();
    counters.workers[0].connections.store(1, Ordering::Relaxed);
    let now = Now::read();
    let stream = Stream::Tcp(mio::net::TcpStream::from_std(stream));
    worker.admit(Box::new(connection::Connection::new(stream, (), now.instant)));

    let idle_closed = |worker: &mut worker::Worker<Echo>, hours| {
        worker.close_overdue(Now { instant: now.instant + hour * hours, ..now });
        counters.workers[0].idle_closed.value()
    };
    assert_eq!(idle_closed(&mut worker, 1), 0);
    peer.read_exact(&mut [0; b"line\n".len()]).unwrap();
    assert_eq!(idle_closed(&mut worker, 1), 0);
    assert_eq!(idle_closed(&mut worker, 2), 1);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

#[test]
fn draining_waits_for_connections_on_their_way_to_a_worker() {
    let (front, _, _) = start(2);
    let (stop, over) = (front.stop.clone(), Arc::new(AtomicBool::new(false)));
    let (held, told) = std::sync::mpsc::sync_channel(1);
    let handing_over = thread::spawn({
        let over = over.clone();
        move || {
            let handing_over = stop.hand_over().expect("nobody drains yet");
            held.send(()).unwrap();
            wait_for("the draining to begin", Duration::from_secs(60), || stop.draining().then_some(()));
            over.store(true, Ordering::Relaxed);
            drop(handing_over);
            assert!(stop.hand_over().is_none(), "nobody takes it any more");
        }
    });
    told.recv().unwrap();
    let start = Instant::now();
    front.drain();
    assert!(over.load(Ordering::Relaxed) || start.elapsed() >= DRAIN_LIMIT);
    handing_over.join().unwrap();
}
