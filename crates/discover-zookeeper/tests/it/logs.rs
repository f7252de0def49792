//! What operators read.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use peerset_cluster::Discover;
use peerset_testkit::Zookeeper;

use crate::support::{join, kazoo, set, until, within};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn count(&self, words: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).matches(words).count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

/// On one thread, to hear all that is said.
#[tokio::test]
async fn a_member_refused_again_is_told_of_once_and_tried_until_it_is_allowed() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
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
