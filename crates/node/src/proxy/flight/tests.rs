use std::time::Duration;

use super::*;

fn collected(flights: &mut Flights, id: FlightId) -> (String, bool) {
    let mut output = Vec::new();
    let over = flights.collect(id, &mut output);
    (String::from_utf8(output).unwrap(), over)
}

fn say(flights: &mut Flights, place: Place, text: &str) {
    flights.answer(place, |out| out.extend_from_slice(text.as_bytes()));
}

#[test]
fn replies_leave_in_the_order_of_requests() {
    let mut flights = Flights::default();
    let client = Client::numbered(7);
    let id = flights.open(client);
    let places: Vec<Place> = (0..4).map(|_| flights.place(id, true)).collect();
    say(&mut flights, places[2], "c");
    say(&mut flights, places[1], "b");
    assert_eq!(collected(&mut flights, id), (String::new(), false));
    say(&mut flights, places[0], "a");
    let (mut named, turn) = (Vec::new(), Instant::now());
    flights.take_named(turn, &mut named);
    flights.take_named(turn, &mut named);
    assert!(named.is_empty() && flights.is_leaving(), "the fourth may come in the next turn");
    flights.take_named(turn + Duration::from_millis(1), &mut named);
    assert!(named == [client] && !flights.is_leaving(), "but not later");
    assert_eq!(flights.bytes(), 3);
    assert_eq!(collected(&mut flights, id), ("abc".into(), false));
    say(&mut flights, places[3], "");
    assert_eq!(collected(&mut flights, id), (String::new(), true));
    assert_eq!(flights.bytes(), 0);
}

#[test]
fn what_nobody_wants_to_hear_is_owed_all_the_same() {
    let mut flights = Flights::default();
    let id = flights.open(Client::numbered(1));
    let places: Vec<Place> = [false, true, false].map(|wanted| flights.place(id, wanted)).into();
    say(&mut flights, places[1], "b");
    assert_eq!(collected(&mut flights, id), (String::new(), false), "the first is still under way");
    say(&mut flights, places[0], "a");
    assert_eq!(collected(&mut flights, id), ("b".into(), false), "the third is");
    say(&mut flights, places[2], "c");
    assert_eq!(collected(&mut flights, id), (String::new(), true));
    assert_eq!(flights.bytes(), 0);
}

#[test]
fn an_abandoned_flight_is_free_only_when_nobody_owes_it_a_reply() {
    let mut flights = Flights::default();
    let first = flights.open(Client::numbered(1));
    let (one, two) = (flights.place(first, true), flights.place(first, true));
    say(&mut flights, two, "late");
    flights.abandon(first);
    let second = flights.open(Client::numbered(2));
    assert_ne!(second, first, "a reply is still to come for the first");
    say(&mut flights, one, "lost");
    assert_eq!(flights.bytes(), 0);
    assert_eq!(flights.open(Client::numbered(3)), first, "now it is free");
    let place = flights.place(first, true);
    say(&mut flights, place, "mine");
    assert_eq!(collected(&mut flights, first), ("mine".into(), true));
}

#[test]
fn numbers_go_round() {
    let mut flights = Flights::default();
    let id = flights.open(Client::numbered(1));
    flights.flights[0].first = u32::MAX - 1;
    let places: Vec<Place> = (0..4).map(|_| flights.place(id, true)).collect();
    for (place, text) in places.iter().zip(["a", "b", "c", "d"]).rev() {
        say(&mut flights, *place, text);
    }
    assert_eq!(collected(&mut flights, id), ("abcd".into(), true));
}

#[test]
fn what_nobody_wants_to_hear_is_no_reply_to_come() {
    let mut flights = Flights::default();
    let id = flights.open(Client::numbered(1));
    let places: Vec<Place> = [false, true, false, true].map(|wanted| flights.place(id, wanted)).into();
    let owed = |flights: &Flights| (flights.coming(), flights.load(id).waiting, flights.load(id).wanted);
    assert_eq!(owed(&flights), (2, 4, 2));
    say(&mut flights, places[2], "c");
    assert_eq!(owed(&flights), (2, 4, 2), "behind two others");
    say(&mut flights, places[1], "b");
    assert_eq!(owed(&flights), (1, 4, 2), "held, and not on its way to the client");
    say(&mut flights, places[0], "a");
    assert_eq!(owed(&flights), (1, 1, 1));
    flights.abandon(id);
    assert_eq!(flights.coming(), 1, "it still comes, and is dropped then");
    say(&mut flights, places[3], "d");
    let again = flights.open(Client::numbered(2));
    assert_eq!((again, owed(&flights)), (id, (0, 0, 0)));
}

#[test]
fn a_connection_asks_for_as_much_as_it_may() {
    #[track_caller]
    fn check(reply_bytes: usize, answered: usize, wanted: bool, expected: usize) {
        let is_enough = |&waiting: &usize| {
            let wanted = if wanted { waiting } else { 0 };
            FlightLoad { waiting, wanted, answered, ready_bytes: 0 }.is_enough(reply_bytes)
        };
        assert_eq!((0..).find(is_enough), Some(expected));
    }
    check(0, 0, true, 64);
    check(0, 100, true, 264);
    check(0, 10_000, true, 1024);
    check(64 * 1024, 10_000, true, 64);
    check(1 << 20, 10_000, true, 8);
    check(1 << 20, 10_000, false, 1024);
    check(1 << 20, 0, false, 64);
}
