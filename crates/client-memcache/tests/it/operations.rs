//! Every operation against a real memcached.

use std::time::Duration;

use peerset_client_memcache::*;
use peerset_testkit::Memcached;

use crate::client;

fn key(key: &str) -> Key<'_> {
    Key::new(key).unwrap()
}

const MINUTE: Expiry = Expiry::After(Duration::from_secs(60));

#[tokio::test]
async fn reading_and_storing() {
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    let a = key("a");
    assert_eq!(client.get(a).await.unwrap(), None);
    assert_eq!(client.replace(a, "no", MINUTE).await.unwrap(), Stored::NotStored);
    assert_eq!(client.append(a, "no").await.unwrap(), Stored::NotStored);
    assert_eq!(client.add(a, "1", MINUTE).await.unwrap(), Stored::Stored);
    assert_eq!(client.add(a, "no", MINUTE).await.unwrap(), Stored::NotStored);
    assert_eq!(client.append(a, "2").await.unwrap(), Stored::Stored);
    assert_eq!(client.prepend(a, "0").await.unwrap(), Stored::Stored);
    assert_eq!(client.get(a).await.unwrap().unwrap().data, "012");
    assert_eq!(client.replace(a, b"\r\nEN\r\n", Expiry::Never).await.unwrap(), Stored::Stored);
    let found = client.gets(a).await.unwrap().unwrap();
    assert_eq!(found.data, "\r\nEN\r\n");
    let cas = found.cas.unwrap();
    assert_eq!(client.cas(a, "new", MINUTE, Cas(cas.0 + 1000)).await.unwrap(), Stored::Exists);
    assert_eq!(client.cas(a, "new", MINUTE, cas).await.unwrap(), Stored::Stored);
    assert_eq!(client.cas(key("b"), "new", MINUTE, cas).await.unwrap(), Stored::NotFound);
    let mut options = SetOptions::default();
    options.flags = u32::MAX;
    client.set_with(a, "", options).await.unwrap();
    let found = client.get(a).await.unwrap().unwrap();
    assert_eq!((found.data.len(), found.flags, found.cas), (0, u32::MAX, None));
    assert_eq!(client.delete(a).await.unwrap(), Deleted::Deleted);
    assert_eq!(client.delete(a).await.unwrap(), Deleted::NotFound);
    assert_eq!(client.get(a).await.unwrap(), None);
}
