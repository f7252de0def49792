use std::time::Instant;

use peerset_route::Operation;

use super::*;
use crate::proxy::exchange::PartId;
use crate::proxy::pending::To;

/// A request with a number, by which it is known again.
fn pending(number: u32, kind: Kind) -> Pending {
    let to = To::Part(PartId { exchange: number, part: 0 });
    Pending::new(to, kind, Operation::Read, 0, Instant::now())
}

/// Asks as a client's request says: `get` of one key or of several, and all else.
fn ask(rounds: &mut Rounds, request: &str, number: u32) {
    let (verb, keys) = request.split_once(' ').unwrap();
    let single = !keys.contains(' ');
    match verb {
        "get" | "gets" => {
            let line = rounds.line(verb == "gets", single && verb == "get");
            translate::keys(line, b"", keys.split(' ').map(str::as_bytes));
            let kind = if single && verb == "get" { Kind::Read { answered: false } } else { Kind::Values };
            rounds.read(pending(number, kind));
        }
        _ => {
            rounds.rest().extend_from_slice(format!("{request}\r\n").as_bytes());
            rounds.expect(pending(number, Kind::Line));
            if verb == "noreply" {
                rounds.hold_back();
            }
        }
    }
}

/// What is sent, a line for each, and who waits, in order.
fn written(rounds: &mut Rounds) -> (Vec<String>, Vec<Pending>) {
    let (mut output, mut waiting, mut asked) = (Vec::new(), VecDeque::new(), Asked::default());
    rounds.write(&mut output, &mut waiting, &mut asked);
    assert_eq!((rounds.len(), rounds.bytes(), rounds.pending().count()), (0, 0, 0));
    let named: String = waiting
        .iter()
        .map(|pending| {
            let text = String::from_utf8(asked.texts()[..pending.text as usize].to_vec()).unwrap();
            asked.pass(pending.text);
            text
        })
        .collect();
    assert_eq!(asked.texts(), b"", "after {named:?}");
    let output = String::from_utf8(output).unwrap();
    (output.lines().map(str::to_owned).collect(), waiting.into())
}

/// What clients ask one after the other, separated by commas.
#[track_caller]
fn check(clients: &[&str], expected: &[&str]) {
    let mut rounds = Rounds::default();
    for (number, client) in (1..).zip(clients) {
        rounds.hear(Asker { number, before: 0 });
        client.split(", ").for_each(|request| ask(&mut rounds, request, 0));
    }
    let (lines, waiting) = written(&mut rounds);
    assert_eq!(lines, expected);
    let ends = waiting.iter().filter(|pending| !pending.joined).count();
    assert_eq!(ends, lines.len(), "each line has an end");
}

#[test]
fn reads_of_many_clients_share_lines_behind_what_each_has_written() {
    check(
        &["get a a, set b, get c c", "get d d", "get e, set e, get e"],
        &["get a a d d e", "set b", "set e", "get c c e"],
    );
    check(&["set a, get b c", "get d e"], &["get d e", "set a", "get b c"]);
    check(&["get a b, gets c d, get e f", "gets g h"], &["get a b", "gets c d g h", "get e f"]);
}

#[test]
fn few_single_reads_go_apart() {
    let mg = |key: &str| format!("mg {key} k f v");
    let (few, enough) = (["get a"; READS_MIN - 1].join(", "), ["get a"; READS_MIN].join(", "));
    check(&[&few], &[&*mg("a"); READS_MIN - 1]);
    check(&[&enough], &[&*format!("get{}", " a".repeat(READS_MIN))]);
    check(&["get a, set b", "get c d"], &["get a c d", "set b"]);
    check(&["get a, set b, get c"], &[&*mg("a"), "set b", &*mg("c")]);
}

#[test]
fn nothing_passes_what_nobody_waits_for() {
    check(
        &["get a b, noreply c, get d e", "get f g, set h", "get i j"],
        &["get a b", "noreply c", "get d e f g i j", "set h"],
    );
    check(&["set a, get b c, noreply d", "set e"], &["set a", "get b c", "noreply d", "set e"]);
}

#[test]
fn nothing_passes_what_may_be_anybodys() {
    let mut rounds = Rounds::default();
    rounds.hear(Asker { number: 8, before: Asker::ANYBODY });
    ask(&mut rounds, "set a", 0);
    rounds.hear(Asker { number: 9, before: 3 });
    ask(&mut rounds, "get a b", 0);
    rounds.hear(Asker { number: 10, before: Asker::ANYBODY });
    ask(&mut rounds, "set b", 0);
    rounds.hear(Asker { number: 11, before: 4 });
    ask(&mut rounds, "get b c", 0);
    assert_eq!(written(&mut rounds).0, ["set a", "get a b", "set b", "get b c"]);
}

#[test]
fn nothing_shares_a_line_that_was_refused() {
    let mut rounds = Rounds::default();
    rounds.keep_apart(true);
    let (reads, mg) = (["get a"; 8].join(", "), "mg a k f v");
    reads.split(", ").chain(["get b c", "get d", "set e", "gets f g"]).for_each(|request| {
        ask(&mut rounds, request, 0);
    });
    let (lines, waiting) = written(&mut rounds);
    assert_eq!(lines, [&[mg; 8][..], &["get b c", "mg d k f v", "set e", "gets f g"]].concat());
    assert!(waiting.iter().all(|pending| !pending.joined));
}

#[test]
fn a_line_is_not_endless() {
    let key = "k".repeat(90);
    let mut rounds = Rounds::default();
    for number in 0..50 {
        ask(&mut rounds, &format!("get {key}"), number);
    }
    let (lines, _) = written(&mut rounds);
    let keys: Vec<_> = lines.iter().map(|line| line.matches(&key).count()).collect();
    assert_eq!(keys, [22, 22, 1, 1, 1, 1, 1, 1], "the last six go apart");
    for number in 0..50 {
        ask(&mut rounds, &format!("get {key} {key} {key}"), number);
    }
    let (lines, _) = written(&mut rounds);
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_clients_requests_stay_in_order() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut rounds = Rounds::default();
        // The last time that each has asked, what was asked by whom, and which of it nothing may pass.
        let mut before = [0; 6];
        let (mut asked, mut held) = (Vec::new(), Vec::new());
        for number in 1..=rng.u64(1..40) {
            let client = rng.usize(..before.len());
            rounds.hear(Asker { number, before: std::mem::replace(&mut before[client], number) });
            for _ in 0..rng.usize(1..8) {
                let id = asked.len() as u32;
                let request = match rng.u32(..20) {
                    0 => format!("noreply {id}"),
                    1 => format!("gets {id} {id}"),
                    2 => format!("get {id} {id}"),
                    3..6 => format!("set {id}"),
                    6 => {
                        rounds.go_last();
                        held.push(id);
                        format!("last {id}")
                    }
                    _ => format!("get {id}"),
                };
                ask(&mut rounds, &request, id);
                asked.push((client, request));
            }
        }
        let (lines, waiting) = written(&mut rounds);
        let order: Vec<u32> = waiting
            .iter()
            .map(|pending| match pending.to {
                To::Part(part) => part.exchange,
                To::Client(_) => unreachable!(),
            })
            .collect();
        let mut words: Vec<u32> =
            lines.iter().flat_map(|line| line.split(' ')).filter_map(|word| word.parse().ok()).collect();
        words.dedup();
        assert_eq!(words, order, "who waits is who asked, seed {seed}");
        let mut place = vec![0; asked.len()];
        order.iter().enumerate().for_each(|(at, &id)| place[id as usize] = at);
        for (early, (client, request)) in asked.iter().enumerate() {
            for (late, (other, _)) in asked.iter().enumerate().skip(early + 1) {
                let ordered =
                    client == other || request.starts_with("noreply") || held.contains(&(late as u32));
                assert!(!ordered || place[early] < place[late], "{early} and {late}, seed {seed}");
            }
        }
    }
}
