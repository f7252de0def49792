//! Identities and access control lists.

use peerset_cluster::{Discover, Register};
use peerset_discover_zookeeper::{Access, Credentials, Serverset, ServersetConfig, Zookeeper as Session};
use peerset_testkit::Zookeeper;

use crate::support::{PATIENCE, SET, config, join, kazoo, member, path, set, until, within};

fn open(server: &Zookeeper, password: &str, access: Access) -> Serverset {
    let mut session = config();
    session.credentials = vec![Credentials::digest("user", password)];
    let mut set = ServersetConfig::default();
    set.access = access;
    Session::connect_alone(&[server.addr().try_into().unwrap()], session).unwrap().serverset(path(SET), set)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_knows_the_password_may_write() {
    let server = Zookeeper::start();
    let mine = open(&server, "right", Access::CreatorWrites);
    let _member = join(&mine, "a:1").await;
    let stranger = set(server.addr());
    until(&stranger.watch(), "ready a:1").await;
    for set in [stranger, open(&server, "wrong", Access::CreatorWrites)] {
        let membership = set.create_membership(member("b:1")).await.unwrap();
        let error = within("register", membership.register()).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("credentials do not allow"), "{error}: {source}");
    }
    let same = open(&server, "right", Access::CreatorWrites);
    let _other = join(&same, "c:1").await;
    until(&mine.watch(), "ready a:1 c:1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_may_not_be_read_is_pending_and_says_why() {
    let server = Zookeeper::start();
    let mine = open(&server, "right", Access::CreatorOnly);
    let _member = join(&mine, "a:1").await;
    let stranger = set(server.addr());
    let mut problems = stranger.problems_watch();
    let problem = within("a problem", problems.wait_for(|problems| !problems.is_empty())).await;
    assert!(problem.unwrap()[0].to_string().contains("not authorized"));
    assert_eq!(stranger.watch().borrow().state().to_string(), "pending");
    assert!(stranger.trouble().unwrap().contains("not authorized"), "{:?}", stranger.trouble());
    assert_eq!(mine.trouble(), None);
    // A member of its own is nobody's to register without credentials.
    let nobody = {
        let mut config = ServersetConfig::default();
        config.access = Access::CreatorOnly;
        crate::support::connect(server.addr()).serverset(path("/other"), config)
    };
    let membership = nobody.create_membership(member("b:1")).await.unwrap();
    assert!(within("register", membership.register()).await.is_err());
    assert!(!format!("{:?}", Credentials::digest("user", "right")).contains("right"));
}

/// ZooKeeper refuses to create what is there already to who may not create it, and folders above a service often are
/// their administrator's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_that_are_locked_are_none_of_our_business() {
    let server = Zookeeper::start();
    let script = r#"
from kazoo.security import make_acl
everybody, readers = make_acl('world', 'anyone', all=True), make_acl('world', 'anyone', read=True)
zk.create('/discovery', acl=[everybody])
zk.create('/discovery/test', acl=[everybody])
zk.set_acls('/discovery', [readers])
zk.set_acls('/', [readers])
"#;
    kazoo(server.addr(), script);
    for inside in [SET, "/discovery/test/more/set"] {
        let set = crate::support::connect(server.addr()).serverset(path(inside), ServersetConfig::default());
        let _membership = join(&set, "a:1").await;
    }
}

/// Whoever may create and not delete leaves with its session, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_may_not_be_deleted_goes_with_its_session() {
    let server = Zookeeper::start();
    let script = r#"
from kazoo.security import make_acl
zk.ensure_path(SET.rsplit('/', 1)[0])
zk.create(SET, acl=[make_acl('world', 'anyone', read=True, create=True)])
"#;
    kazoo(server.addr(), script);
    let (mine, other) = (set(server.addr()), set(server.addr()));
    let membership = join(&mine, "a:1").await;
    until(&other.watch(), "ready a:1").await;
    drop((membership, mine));
    until(&other.watch(), "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheme_that_nobody_knows_is_refused_and_said() {
    let server = Zookeeper::start();
    let mut session = config();
    session.credentials = vec![Credentials::new("nonsense", "secret")];
    let session = Session::connect_alone(&[server.addr().try_into().unwrap()], session).unwrap();
    let set = session.serverset(path(SET), ServersetConfig::default());
    let failed = || session.trouble().filter(|why| why.contains("authentication failed"));
    let why = peerset_testkit::wait_for("a reason", PATIENCE, failed);
    assert!(why.contains("nonsense") && !why.contains("secret"), "{why}");
    assert_eq!(set.watch().borrow().state().to_string(), "pending");
}
