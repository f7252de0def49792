//! Futures that are dropped, at every point at which they can be.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use peerset_client_memcache::*;
use peerset_testkit::{Answer, Memcached, ScriptedServer};

use crate::{client, configured, key};

/// Polls a future so many times, then drops it; whether it was done before.
struct DroppedAfter<'f, T> {
    future: Option<BoxFuture<'f, T>>,
    polls: usize,
}

impl<T> Future for DroppedAfter<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(left) = self.polls.checked_sub(1) else {
            self.future = None;
            return Poll::Ready(None);
        };
        self.polls = left;
        let future = self.future.as_mut().expect("not polled after its end");
        match future.poll_unpin(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => {
                self.future = None;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

fn dropped_after<'f, T>(polls: usize, future: impl Future<Output = T> + Send + 'f) -> DroppedAfter<'f, T> {
    DroppedAfter { future: Some(future.boxed()), polls }
}

/// Operations of every kind of reply, each on the key and in the way of `number`.
async fn operation(client: &Client, number: usize) {
    let name = format!("k{}", number % 5);
    let name = key(&name);
    match number % 8 {
        0 => _ = client.get(name).await.unwrap(),
        1 => _ = client.set(name, number.to_string(), Expiry::Never).await.unwrap(),
        2 => _ = client.get_many(&[name, key("own"), name]).await,
        3 => _ = client.delete(name).await.unwrap(),
        4 => _ = client.incr(name, 1).await,
        5 => _ = client.stats(None).await,
        6 => _ = client.touch(name, Expiry::Never).await.unwrap(),
        _ => _ = client.deadline(std::time::Duration::from_secs(60)).gets(name).await.unwrap(),
    }
}

#[tokio::test]
async fn a_dropped_future_never_moves_a_reply() {
    let server = Memcached::start(&[]);
    for commands in [Commands::Probed, Commands::Classic] {
        for kind in 0..8 {
            for polls in 0.. {
                // Fresh, so that waiting for the connection is among the points too.
                let client = configured(server.addr(), |config| config.commands = commands);
                if polls % 2 == 0 {
                    client.set(key("own"), "mine", Expiry::Never).await.unwrap();
                }
                let dropped = dropped_after(polls, operation(&client, kind));
                let (first, done, second) = tokio::join!(
                    client.set(key("own"), "mine", Expiry::Never),
                    dropped,
                    client.get(key("own"))
                );
                assert_eq!(first.unwrap(), Stored::Stored);
                assert!(second.unwrap().is_none_or(|value| value.data == "mine"));
                for _ in 0..3 {
                    assert_eq!(
                        client.get(key("own")).await.unwrap().unwrap().data,
                        "mine",
                        "{kind} after {polls}"
                    );
                    assert_eq!(client.incr(key("none"), 1).await.unwrap(), None);
                }
                assert_eq!(client.servers()[0].waiting(), 0, "every slot is free again");
                if done.is_some() && polls > 1 {
                    break;
                }
                assert!(polls < 100, "{kind} never ends");
            }
        }
    }
}

#[tokio::test]
async fn replies_to_many_dropped_futures_are_swallowed() {
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    client.set(key("own"), "mine", Expiry::Never).await.unwrap();
    let mut seed = fastrand::Rng::with_seed(7);
    for _ in 0..50 {
        let asked = join_all((0..40).map(|number| {
            let (client, polls) = (&client, seed.usize(0..4));
            async move {
                let _ = dropped_after(polls, operation(client, number)).await;
                assert_eq!(client.get(key("own")).await.unwrap().unwrap().data, "mine");
            }
        }));
        asked.await;
    }
    let counters = client.servers()[0].counters();
    assert!(counters.abandoned > 100, "{counters:?}");
    assert_eq!((counters.requests, counters.connections), (counters.replies, 1));
    assert_eq!(client.servers()[0].waiting(), 0);
}

#[tokio::test]
async fn slots_of_the_dropped_count_until_their_reply_is_there() {
    let server = ScriptedServer::start(|request| match request.words()[0] {
        "version" => Answer::of_empty_memcached(request),
        _ => Answer::silence(),
    });
    let client = configured(server.addr(), |config| config.queue_requests_max = 3);
    client.connect().await.unwrap();
    for _ in 0..3 {
        assert!(dropped_after(1, client.get(key("a"))).await.is_none());
    }
    let error = client.get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { .. }), "{error}");
}
