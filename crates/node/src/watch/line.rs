//! A set in one line.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use peerset_cluster::{Item, Member, Snapshot, State};
use serde_json::{Value, json};

use crate::output;

/// The members as they are written in a list, `10.0.0.1:11211 10.0.0.2:11211@2=big`, or `empty`; behind the state, if that
/// is anything but ready.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let members = in_order(snapshot).into_iter().map(|member| item(member).to_string());
    let state = match snapshot.state() {
        State::Ready if snapshot.is_empty() => Some("empty".to_owned()),
        State::Ready => None,
        other => Some(output::state(other).to_owned()),
    };
    state.into_iter().chain(members).collect::<Vec<_>>().join(" ")
}

/// All there is to know, as an object. `now` and `wall` are the same moment by two clocks: since when a set is stale is
/// told in seconds since 1970, as that is what a reader can go on counting from.
pub(super) fn json(snapshot: &Snapshot, now: Instant, wall: SystemTime) -> String {
    let members: Vec<Value> = in_order(snapshot).into_iter().map(member_json).collect();
    let stale_since = snapshot.state().stale_since().and_then(|since| {
        let since = wall.checked_sub(now.saturating_duration_since(since))?;
        since.duration_since(UNIX_EPOCH).ok()
    });
    let mut line = json!({
        "source": snapshot.source().as_str(),
        "state": output::state(snapshot.state()),
        "revision": snapshot.revision().0,
        "members": members,
    });
    if let Some(since) = stale_since {
        line["stale_since"] = json!(since.as_millis() as f64 / 1000.0);
    }
    line.to_string()
}

fn member_json(member: &Member) -> Value {
    let named: serde_json::Map<_, _> =
        member.endpoints.iter().map(|(name, endpoint)| (name.clone(), json!(endpoint.to_string()))).collect();
    json!({
        "id": member.id.as_str(),
        "endpoint": member.endpoint.to_string(),
        "endpoints": named,
        "status": member.status.as_str(),
        "weight": member.weight.value(),
        "shard": member.shard,
        "zone": member.zone,
        "metadata": member.metadata,
    })
}

/// As the source wrote them, where it has an order, else by id.
fn in_order(snapshot: &Snapshot) -> Vec<&Member> {
    let mut members: Vec<&Member> = snapshot.members().iter().map(AsRef::as_ref).collect();
    members.sort_by_key(|member| member.position);
    members
}

fn item(member: &Member) -> Item {
    let endpoint = member.endpoint.clone();
    let name = (member.id.as_str() != endpoint.to_string()).then(|| member.id.clone());
    Item { endpoint, weight: member.weight, name }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use peerset_cluster::{Limits, Publisher, Revision, SourceName, channel};

    use super::*;

    #[track_caller]
    fn check(happens: impl FnOnce(&Publisher), expected: &str, expected_json: Value) {
        let (publisher, watch) = channel(SourceName::new("s"), Limits::default());
        happens(&publisher);
        let snapshot = watch.borrow();
        assert_eq!(text(&snapshot), expected);
        let since = snapshot.state().stale_since().unwrap_or_else(Instant::now);
        let json: Value = serde_json::from_str(&json(
            &snapshot,
            since + Duration::from_millis(1500),
            UNIX_EPOCH + Duration::from_secs(100),
        ))
        .unwrap();
        assert_eq!(json, expected_json);
    }

    fn member(item: &str, position: u32) -> Member {
        let mut member = item.parse::<Item>().unwrap().member();
        member.position = position;
        member
    }

    #[test]
    fn every_state_is_told() {
        let shown = |state: &str, revision: u64, members: Value| json!({ "source": "s", "state": state, "revision": revision, "members": members });
        let nobody = || json!([]);
        check(|_| {}, "pending", shown("pending", 0, nobody()));
        check(
            |source| drop(source.publish(Vec::<Member>::new(), Revision(3))),
            "empty",
            shown("ready", 3, nobody()),
        );
        check(|source| drop(source.absent(Revision(4))), "absent", shown("absent", 4, nobody()));
        let mut big = member("b:2@2=big", 0);
        big.endpoints.insert("admin".into(), "b:3".parse().unwrap());
        big.shard = Some(7);
        big.metadata.insert("k".into(), "v".into());
        let both = json!([
            { "id": "big", "endpoint": "b:2", "endpoints": { "admin": "b:3" }, "status": "ALIVE", "weight": 2.0,
              "shard": 7, "zone": null, "metadata": { "k": "v" } },
            { "id": "a:1", "endpoint": "a:1", "endpoints": {}, "status": "ALIVE", "weight": 1.0,
              "shard": null, "zone": null, "metadata": {} },
        ]);
        let publish = |source: &Publisher| drop(source.publish([big, member("a:1", 1)], Revision(5)));
        let mut stale = shown("stale", 5, both.clone());
        stale["stale_since"] = json!(98.5);
        check(publish.clone(), "b:2@2=big a:1", shown("ready", 5, both));
        let lose = |source: &Publisher| {
            publish(source);
            source.lost();
        };
        check(lose, "stale b:2@2=big a:1", stale);
    }
}
