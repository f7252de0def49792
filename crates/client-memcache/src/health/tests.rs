use super::*;

const MS: Duration = Duration::from_millis(1);

fn config() -> HealthConfig {
    HealthConfig::default()
}

/// The waits of a server that fails, and whose probes fail, `rounds` times.
fn waits(seed: u64, rounds: usize) -> Vec<Duration> {
    let mut health = Health::new(config(), seed);
    let mut now = Instant::now();
    let mut waits = Vec::new();
    health.failed(Failure::Connect, now);
    for _ in 0..rounds {
        let Admission::Refuse { until } = health.admits(now) else { panic!("down at once") };
        waits.push(until - now);
        assert_eq!(health.admits(until - MS / 10), Admission::Refuse { until }, "not a moment earlier");
        now = until;
        assert_eq!(health.admits(now), Admission::Probe);
        assert!(matches!(health.admits(now), Admission::Refuse { .. }), "one probe at a time");
        health.failed(Failure::ConnectTimeout, now);
    }
    assert_eq!(health.ejections(), 1);
    waits
}

#[test]
fn failures_eject_by_kind_and_count() {
    fn check(failures: &[Failure], ejected: bool) {
        let mut health = Health::new(config(), 1);
        let now = Instant::now();
        failures.iter().for_each(|&failure| health.failed(failure, now));
        assert_eq!(health.is_ejected(), ejected, "{failures:?}");
        assert_eq!(health.admits(now) == Admission::Ask, !ejected, "{failures:?}");
        assert_eq!(health.ejections(), u64::from(ejected));
        assert_eq!(health.ejected_until().is_some(), ejected);
    }
    use Failure::{Connect, ConnectTimeout, Garbage, Handshake, Lost, Timeout};
    check(&[], false);
    for hard in [Connect, ConnectTimeout, Handshake, Timeout] {
        check(&[hard], true);
    }
    check(&[Lost, Garbage], false);
    check(&[Lost, Garbage, Lost], true);
    check(&[Timeout, Timeout, Timeout], true);
}

#[test]
fn a_success_forgets_soft_failures() {
    let mut health = Health::new(config(), 1);
    let now = Instant::now();
    for _ in 0..10 {
        health.failed(Failure::Lost, now);
        health.failed(Failure::Lost, now);
        health.succeeded();
    }
    assert!(!health.is_ejected());
}

#[test]
fn waits_grow_are_jittered_and_capped() {
    let HealthConfig { retry_min, retry_max, .. } = config();
    for seed in 0..50 {
        let mut span = retry_min;
        for wait in waits(seed, 12) {
            span = (span * 2).min(retry_max);
            assert!(
                wait >= retry_min && wait >= span / 2 && wait <= span,
                "seed {seed}: {wait:?} of {span:?}"
            );
        }
        assert_eq!(span, retry_max);
    }
    assert_ne!(waits(1, 3), waits(2, 3));
    assert_eq!(waits(1, 3), waits(1, 3));
}

#[test]
fn only_the_probe_brings_a_server_back() {
    let mut health = Health::new(config(), 1);
    let now = Instant::now();
    health.failed(Failure::Timeout, now);
    health.succeeded();
    assert!(health.is_ejected(), "a late reply to an old request is no proof");
    let until = health.ejected_until().unwrap();
    assert_eq!(health.admits(until), Admission::Probe);
    health.succeeded();
    assert!(health.is_ejected(), "nor is it while the probe is under way");
    health.probed();
    assert_eq!(health.admits(until), Admission::Ask);
    health.failed(Failure::Lost, until);
    assert!(!health.is_ejected(), "the count began anew");
}

#[test]
fn only_a_reply_makes_the_next_wait_short_again() {
    /// The wait after a probe that was answered, and then `reply` or none before the next timeout.
    fn check(reply: bool, least: Duration, most: Duration) {
        let mut health = Health::new(config(), 1);
        let mut now = Instant::now();
        for _ in 0..5 {
            health.failed(Failure::Timeout, now);
            now = health.ejected_until().unwrap();
            assert_eq!(health.admits(now), Admission::Probe);
            health.probed();
        }
        if reply {
            health.succeeded();
        }
        health.failed(Failure::Timeout, now);
        let wait = health.ejected_until().unwrap() - now;
        assert!(least <= wait && wait <= most, "{wait:?} after a reply: {reply}");
        assert_eq!(health.ejections(), 6);
    }
    check(true, 100 * MS, 200 * MS);
    check(false, 3200 * MS, 6400 * MS);
}

#[test]
fn a_forgotten_probe_does_not_keep_a_server_away_for_ever() {
    let mut health = Health::new(config(), 1);
    health.failed(Failure::Connect, Instant::now());
    let first = health.ejected_until().unwrap();
    assert_eq!(health.admits(first), Admission::Probe);
    let again = first + config().retry_max;
    assert_eq!(health.admits(first), Admission::Refuse { until: again });
    assert_eq!(health.admits(again), Admission::Probe);
}
