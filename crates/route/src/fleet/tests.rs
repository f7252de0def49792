use super::*;
use peerset_cluster::{Discover, Limits, StaticSource, Status};
use peerset_placement::Kind;

fn snapshot(items: &str) -> Snapshot {
    StaticSource::parse(items).unwrap().watch().borrow()
}

#[test]
fn members_become_servers_in_written_order() {
    #[track_caller]
    fn check(items: &str, expected: &[(&str, Option<&str>, f64)]) {
        let fleet = Fleet::build(&snapshot(items), &Kind::Jump.into()).unwrap();
        let found: Vec<_> = fleet.servers().iter().map(|server| &server.server).collect();
        let found: Vec<_> = found.iter().map(|s| (s.endpoint(), s.name.as_deref(), s.weight)).collect();
        let found: Vec<_> =
            found.iter().map(|(endpoint, name, weight)| (&**endpoint, *name, *weight)).collect();
        assert_eq!(found, expected, "{items}");
        assert!(fleet.placement().servers().iter().eq(fleet.servers().iter().map(|s| &s.server)), "{items}");
    }
    check(
        "b:2@2=second,a:1,[::1]:3",
        &[("b:2", Some("second"), 2.0), ("a:1", None, 1.0), ("[::1]:3", None, 1.0)],
    );
    check("unix:/b,unix:/a=a", &[("/b", None, 1.0), ("/a", Some("a"), 1.0)]);
    check("10.0.0.2:1@0,10.0.0.1:1", &[("10.0.0.1:1", None, 1.0)]);
    check("Cache1:11211", &[("Cache1:11211", None, 1.0)]);
}

#[test]
fn only_those_that_serve_own_keys() {
    let member = |text: &str, status| {
        let mut member = Member::at(text.parse().unwrap());
        member.status = status;
        member
    };
    let members = Status::ALL.iter().enumerate().map(|(at, status)| member(&format!("h{at}:1"), *status));
    let (source, _) = StaticSource::of(members, Limits::default());
    let fleet = Fleet::build(&source.watch().borrow(), &Spec::default()).unwrap();
    assert_eq!((fleet.len(), fleet.servers()[0].id.as_str()), (1, "h2:1"));
    assert_eq!((fleet.owner(b"k"), fleet.state(), fleet.revision()), (Some(0), State::Ready, Revision(1)));

    let (source, _) = StaticSource::of([], Limits::default());
    let fleet = Fleet::build(&source.watch().borrow(), &Spec::default()).unwrap();
    assert!(fleet.is_empty() && fleet.owner(b"k").is_none() && fleet.owners(b"k", 2).is_empty());
}

#[test]
fn the_member_at_fault_is_named() {
    let error = Fleet::build(&snapshot("b:1,a:1@0.5=half"), &Kind::Twemproxy.into()).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.member.as_ref().map(MemberId::as_str), Some("half"));
    assert!(text.starts_with("static: half: ") && text.contains("0.5"), "{text}");
}
