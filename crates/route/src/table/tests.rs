//! Tables against a plain reading of the routes they were made of.

use super::*;
use crate::{Failover, On, Prefixes};
use proptest::prelude::*;

const POOLS: &[&str] = &["a", "b", "c"];

/// Whom was asked, what was said of expiry, and the best outcome.
#[derive(Debug, PartialEq)]
struct Course {
    asked: Vec<(String, Option<Duration>)>,
    best: Outcome,
}

/// Steps through the table; `outcomes` come from the pools in turn.
fn stepped(route: &Route, operation: Operation, key: &[u8], outcomes: &[Outcome]) -> Course {
    let table = Table::compile(route, POOLS).unwrap();
    let (mut asked, mut best, mut outcomes) = (Vec::new(), None, outcomes.iter().copied().cycle());
    let mut step = Some(table.first(operation, key));
    while let Some(now) = step {
        let shown = match now.ask {
            Ask::Pool(_) => table.pool_of(now).unwrap().to_owned(),
            Ask::Absent => "absent".to_owned(),
            Ask::Error(text) => text.to_owned(),
        };
        asked.push((shown, now.expiry));
        let outcome = now.ask.known_outcome().or_else(|| outcomes.next()).unwrap();
        best = best.filter(|best| !outcome.beats(Some(*best))).or(Some(outcome));
        step = table.next(now.at, operation, key, outcome);
        let ways = Outcome::ALL.map(|outcome| table.next(now.at, operation, key, outcome));
        assert_eq!(now.retries, ways.iter().any(Option::is_some));
        assert_eq!(now.retries, table.can_continue(now.at, operation));
    }
    Course { asked, best: best.unwrap() }
}

/// What the words of the documentation of [`Route`] say.
fn read(
    route: &Route,
    operation: Operation,
    key: &[u8],
    expiry: Option<Duration>,
    asked: &mut Vec<(String, Option<Duration>)>,
    outcomes: &mut impl Iterator<Item = Outcome>,
) -> Outcome {
    match route {
        Route::Shard(pool) => {
            asked.push((pool.clone(), expiry));
            outcomes.next().unwrap()
        }
        Route::Null => {
            asked.push(("absent".to_owned(), expiry));
            Outcome::Miss
        }
        Route::Error(text) => {
            asked.push((text.clone(), expiry));
            Outcome::Failed
        }
        Route::Prefix(prefixes) => {
            let matching = prefixes.routes.iter().filter(|(prefix, _)| key.starts_with(prefix));
            let longest = matching.max_by_key(|(prefix, _)| prefix.len()).map(|(_, route)| route);
            read(longest.unwrap_or(&prefixes.default), operation, key, expiry, asked, outcomes)
        }
        Route::Failover(failover) => {
            let mut best = Outcome::Failed;
            for (at, route) in failover.routes.iter().enumerate() {
                let limits = [expiry, failover.expiry.filter(|_| at > 0)];
                let shortest = limits.into_iter().flatten().min();
                let outcome = read(route, operation, key, shortest, asked, outcomes);
                best = best.max(outcome);
                let goes_on = match outcome {
                    Outcome::Failed => !operation.names_version(),
                    Outcome::Miss => failover.on == On::Miss && operation.is_read(),
                    Outcome::Done => false,
                };
                if !goes_on {
                    break;
                }
            }
            best
        }
    }
}

fn any_route() -> impl Strategy<Value = Route> {
    let leaf = prop_oneof![
        6 => prop::sample::select(POOLS).prop_map(Route::shard),
        1 => Just(Route::Null),
        1 => Just(Route::Error("no".into())),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let on = prop_oneof![Just(On::Error), Just(On::Miss)];
        let expiry = prop::option::of((1u64..4).prop_map(Duration::from_secs));
        let failover = (prop::collection::vec(inner.clone(), 1..4), on, expiry);
        let prefixes = prop::collection::btree_map("[xy]{1,3}", inner.clone(), 0..4);
        prop_oneof![
            2 => failover.prop_map(|(routes, on, expiry)| Route::Failover(Failover { routes, on, expiry })),
            1 => (prefixes, inner).prop_map(|(routes, default)| Route::prefix(routes, default)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_table_does_what_its_route_says(
        route in any_route(),
        operation in prop::sample::select(&Operation::ALL[..]),
        key in "[xyz]{0,4}",
        outcomes in prop::collection::vec(prop::sample::select(&Outcome::ALL[..]), 1..12),
    ) {
        let mut asked = Vec::new();
        let mut turn = outcomes.iter().copied().cycle();
        let best = read(&route, operation, key.as_bytes(), None, &mut asked, &mut turn);
        let found = stepped(&route, operation, key.as_bytes(), &outcomes);
        prop_assert_eq!(found, Course { asked, best }, "{}", route);
    }
}

fn failover(on: On, seconds: u64, routes: impl IntoIterator<Item = Route>) -> Route {
    let expiry = Some(Duration::from_secs(seconds));
    Route::Failover(Failover { routes: routes.into_iter().collect(), on, expiry })
}

#[test]
fn failovers_go_on_in_order() {
    use Operation::{Read, Store};
    use Outcome::{Done, Failed, Miss};
    let [a, b, c] = ["a", "b", "c"].map(Route::shard);
    #[track_caller]
    fn check(route: &Route, operation: Operation, outcomes: &[Outcome], asked: &str, best: Outcome) {
        let course = stepped(route, operation, b"key", outcomes);
        let show = |(name, expiry): &(String, Option<Duration>)| match expiry {
            Some(expiry) => format!("{name}@{}", expiry.as_secs()),
            None => name.clone(),
        };
        let shown: Vec<_> = course.asked.iter().map(show).collect();
        assert_eq!((shown.join(" ").as_str(), course.best), (asked, best), "{route}");
    }
    let on_error = failover(On::Error, 10, [a.clone(), b.clone()]);
    check(&on_error, Read, &[Done], "a", Done);
    check(&on_error, Read, &[Miss], "a", Miss);
    check(&on_error, Read, &[Failed, Miss], "a b@10", Miss);
    check(&on_error, Store, &[Failed, Failed], "a b@10", Failed);
    let on_miss = failover(On::Miss, 10, [a.clone(), b.clone()]);
    check(&on_miss, Read, &[Miss, Failed], "a b@10", Miss);
    check(&on_miss, Store, &[Miss], "a", Miss);
    check(&on_miss, Store, &[Failed, Done], "a b@10", Done);
    check(&failover(On::Miss, 10, [Route::Null, b.clone()]), Read, &[Done], "absent b@10", Done);
    check(&failover(On::Error, 10, [Route::Error("x".into()), b.clone()]), Read, &[Done], "x b@10", Done);
    // The inner one has a miss to show for itself, so that the outer one, on error, does not go on.
    let inner_on_miss = failover(On::Error, 5, [on_miss.clone(), c.clone()]);
    check(&inner_on_miss, Read, &[Miss, Failed], "a b@10", Miss);
    check(&inner_on_miss, Read, &[Failed, Failed, Done], "a b@10 c@5", Done);
    // What stands in for a stand-in lives no longer than either says.
    let inner_second = failover(On::Error, 5, [c, on_error]);
    check(&inner_second, Store, &[Failed, Failed, Done], "c a@5 b@5", Done);
}

#[test]
fn a_version_is_told_to_no_second_server() {
    let table = Table::compile(&failover(On::Miss, 1, ["a", "b"].map(Route::shard)), POOLS).unwrap();
    for operation in Operation::ALL {
        let first = table.first(operation, b"key");
        let second = table.next(first.at, operation, b"key", Outcome::Failed);
        let named = matches!(
            operation,
            Operation::CompareAndStore | Operation::CompareAndDelete | Operation::CompareAndCount
        );
        assert_eq!((second.is_none(), first.retries), (named, !named), "{operation:?}");
        assert_eq!(table.while_all_fail(operation, b"key").count(), if named { 1 } else { 2 });
    }
}

#[test]
fn mistakes_are_told() {
    fn check(route: &Route, expected: &str) {
        let error = Table::compile(route, POOLS).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check(&Route::shard("d"), "no pool \"d\"; there are a, b, c");
    check(&Route::failover([]), "at least one");
    check(&Route::prefix([("", Route::Null)], Route::Null), "default");
    check(&Route::prefix([("x", Route::Null), ("x", Route::shard("a"))], Route::Null), "two routes");
    check(&Route::prefix([("x".repeat(251), Route::Null)], Route::Null), "longest key, 250 bytes");
    let deep = (0..Table::DEPTH_MAX).fold(Route::Null, |route, _| Route::failover([route]));
    check(&deep, "more than 16 deep");
    check(&Route::failover(vec![Route::Null; Table::ROUTES_MAX]), "more than 10000 routes");
    // Each layer adds a place to which the many routes inside may go on, and they are compiled anew for each.
    let [a, b] = ["a", "b"].map(Route::shard);
    let prefixes = Route::prefix((0..90).map(|n| (format!("{n}:"), a.clone())), Route::Null);
    let layers = (0..6).fold(failover(On::Miss, 1, vec![prefixes; 105]), |inner, _| {
        failover(On::Error, 1, [failover(On::Miss, 1, [a.clone(), inner]), b.clone()])
    });
    check(&layers, "combinations");
    assert!(Table::compile(&Route::Null, &["a", "a"]).unwrap_err().to_string().contains("two pools"));
    assert!(
        Table::compile(&Route::shard("a"), &[] as &[&str])
            .unwrap_err()
            .to_string()
            .contains("there are none")
    );
}

#[test]
fn a_table_is_as_large_as_documented() {
    assert_eq!(size_of::<Node>(), 32);
    assert_eq!(PrefixTable::BYTES_EACH, 32);
}

#[test]
fn pools_that_no_key_comes_to_are_known() {
    let route = Route::Prefix(Prefixes {
        routes: vec![(b"x".into(), Route::shard("c"))],
        default: Box::new(Route::Null),
    });
    let table = Table::compile(&route, POOLS).unwrap();
    assert_eq!([0, 1, 2].map(|pool| table.uses(PoolId(pool))), [false, false, true]);
    let route = Route::failover([Route::shard("b"), Route::shard("a")]);
    let table = Table::compile(&route, POOLS).unwrap();
    let order: Vec<_> = table.while_all_fail(Operation::Read, b"x").map(|step| step.ask).collect();
    assert_eq!(order, [Ask::Pool(PoolId(1)), Ask::Pool(PoolId(0))]);
}

#[test]
fn nodes_have_names_for_counting() {
    let route =
        Route::prefix([("u:", Route::failover([Route::shard("a"), Route::shard("b")]))], Route::shard("b"));
    let table = Table::compile(&route, &["a", "b"]).unwrap();
    let label = |step: Step<'_>| table.labels()[step.at.index()].clone();
    let first = table.first(Operation::Read, b"u:1");
    assert_eq!(label(first), "u: shard a");
    let second = table.next(first.at, Operation::Read, b"u:1", Outcome::Failed).unwrap();
    assert_eq!(label(second), "u: stand-in 1 shard b");
    assert_eq!(label(table.first(Operation::Read, b"x")), "shard b");
    assert_eq!(table.labels().len(), table.len());
}
