//! The contract, tried on every backend of this crate; and that it notices what is wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use peerset_cluster::contract::{Backend, Law, Report, check};
use peerset_cluster::{
    BoxFuture, FileConfig, FileSource, Limits, Member, MemoryCluster, Publisher, Revision, SourceName,
    StaticSource, Union, channel,
};

use crate::PATIENCE;
use crate::faulty::{Fault, Faulty};

/// What a source keeps that can be fed, but neither registers nor gets lost.
const FED: [Law; 6] =
    [Law::FirstSnapshot, Law::Sorted, Law::Conflation, Law::NoRepeats, Law::DropWatch, Law::Close];

fn memory() -> Backend {
    let cluster = MemoryCluster::new("memory");
    let (losing, recovering) = (cluster.clone(), cluster.clone());
    Backend::new(cluster.clone())
        .registering(cluster)
        .losing(move || losing.lose(), move || recovering.recover())
        .patience(PATIENCE)
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_it() {
    let report = check(async || memory()).await;
    assert_eq!(report.kept, Law::ALL, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_it_with_threads() {
    assert_eq!(check(async || memory()).await.kept, Law::ALL);
}

#[tokio::test(start_paused = true)]
async fn static_keeps_what_applies() {
    let report = check(async || Backend::new(StaticSource::parse("b:1,a:1").unwrap())).await;
    assert_eq!(report.kept, [Law::FirstSnapshot, Law::Sorted, Law::DropWatch, Law::Close], "{report}");
    assert_eq!(report.skipped.len(), Law::ALL.len() - 4);
}

#[tokio::test]
async fn file_keeps_what_applies() {
    let report = check(async || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pool.txt");
        let mut config = FileConfig::default();
        config.settle = Duration::from_millis(2);
        config.poll = Duration::from_secs(3600); // the notices must do
        write(&path, &[]);
        let source = FileSource::with_config(&path, config).unwrap();
        let feed = move |members: Vec<Member>| -> BoxFuture<'static, ()> {
            write(&path, &members);
            Box::pin(async {})
        };
        // The file goes unreadable by becoming a folder: a test that runs as root is denied nothing.
        let (path, aside) = (source.path().to_owned(), folder.path().join("aside"));
        let (path2, aside2) = (path.clone(), aside.clone());
        let lose = move || {
            std::fs::rename(&path, &aside).unwrap();
            std::fs::create_dir(&path).unwrap();
        };
        let recover = move || {
            std::fs::remove_dir(&path2).unwrap();
            std::fs::rename(&aside2, &path2).unwrap();
        };
        Backend::new(source).feeding(feed).losing(lose, recover).patience(PATIENCE).holding(folder)
    })
    .await;
    assert_eq!(report.kept, [&FED[..], &[Law::LastGoodSet]].concat(), "{report}");
}

fn write(path: &Path, members: &[Member]) {
    let lines: String = members.iter().map(|member| format!("{}={}\n", member.endpoint, member.id)).collect();
    let new = path.with_extension("new");
    std::fs::write(&new, format!("# the pool\n{lines}")).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// Anything may be behind a publisher; here it is the test itself.
fn fed() -> (Arc<Publisher>, Backend) {
    let (publisher, _) = channel(SourceName::new("fed"), Limits::default());
    let publisher = Arc::new(publisher);
    let feeding = publisher.clone();
    let feed = move |members: Vec<Member>| -> BoxFuture<'static, ()> {
        let next = feeding.snapshot().revision().0 + 1;
        feeding.publish(members, Revision(next));
        Box::pin(async {})
    };
    let (losing, recovering) = (publisher.clone(), publisher.clone());
    let recover = move || {
        let last = recovering.snapshot();
        recovering.publish(last.members().iter().cloned(), last.revision());
    };
    let source = crate::union::Fed(std::sync::Mutex::new(None), publisher.watch());
    let source: Arc<dyn peerset_cluster::Discover> = Arc::new(source);
    let fixed = Arc::new(StaticSource::of([], Limits::default()).0);
    let union = Union::new("union", vec![source, fixed]).unwrap();
    (publisher, Backend::new(union).feeding(feed).losing(move || losing.lost(), recover))
}

#[tokio::test(start_paused = true)]
async fn union_keeps_what_applies() {
    let report = check(async || fed().1).await;
    assert_eq!(report.kept, [&FED[..], &[Law::LastGoodSet]].concat(), "{report}");
}

/// A law that no fault breaks proves nothing; each of these must break exactly what it says.
#[test]
fn faults_are_noticed() {
    fn run(fault: Fault) -> Report {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(check(async || Faulty::backend(fault)))
    }
    fn check_fault(fault: Fault, laws: &[Law]) {
        let panic = std::panic::catch_unwind(|| run(fault)).expect_err("a fault went unnoticed");
        let message = panic.downcast::<String>().unwrap();
        let broken: Vec<_> =
            Law::ALL.into_iter().filter(|law| message.contains(&format!("  {law:?}: "))).collect();
        assert_eq!(broken, laws, "{fault:?}: {message}");
    }
    assert_eq!(run(Fault::None).kept, Law::ALL);
    check_fault(Fault::ForgetsOnLoss, &[Law::LastGoodSet]);
    check_fault(Fault::KeepsDropped, &[Law::DropMembership, Law::ReusedId]);
    check_fault(Fault::EndsLate, &[Law::ReusedId]);
    check_fault(Fault::IgnoresChanges, &[Law::DataChange, Law::Independent]);
    check_fault(Fault::NeverCloses, &[Law::Close, Law::CloseWhileRegistering]);
    let all_but_waiting: Vec<_> =
        Law::ALL.into_iter().filter(|law| *law != Law::CloseWhileRegistering).collect();
    check_fault(Fault::NeverAnswers, &all_but_waiting);
}
