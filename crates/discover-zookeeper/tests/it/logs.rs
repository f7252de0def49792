//! What operators read.

use peerset_cluster::Discover;
use peerset_testkit::{Log, Zookeeper};

use crate::support::{join, kazoo, set, until, within};

/// On one thread, to hear all that is said.
#[tokio::test]
async fn a_member_refused_again_is_told_of_once_and_tried_until_it_is_allowed() {
    let log = Log::listen(tracing::Level::DEBUG);
    let server = Zookeeper::start();
    let set = set(server.addr());
    let _membership = join(&set, "a:1").await;
    let script = r#"
from kazoo.security import make_acl
zk.set_acls(SET, [make_acl('world', 'anyone', read=True, delete=True, admin=True)])
zk.delete(SET + '/member_0000000000')
"#;
    kazoo(server.addr(), script);
    let refused_twice = async {
        while log.count("a registration was refused") < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    within("more refusals", refused_twice).await;
    assert_eq!(log.count("refused to register the member again"), 1);
    kazoo(
        server.addr(),
        "from kazoo.security import make_acl\nzk.set_acls(SET, [make_acl('world', 'anyone', all=True)])",
    );
    until(&set.watch(), "ready a:1").await;
    assert_eq!(log.count("refused to register the member again"), 1);
}
