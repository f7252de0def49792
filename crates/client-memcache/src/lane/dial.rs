//! Making a connection: address, socket, TLS, handshake, all within one timeout.
//!
//! A name may have several addresses, of which some may not work: each gets a share of the time, and those that failed come
//! last the next time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use peerset_cluster::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Link;
use super::socket::{Socket, Stream};
use crate::config::{Commands, ServerConfig};
use crate::error::{Down, Misbehaviour};
use crate::handshake::{Dialect, Handshake, Progress};
use crate::health::Failure;

/// A connection on which requests may be sent.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(super) stream: Stream,
    pub(crate) dialect: Dialect,
}

impl Dialled {
    pub(crate) fn link(&self) -> Link {
        Link { meta: self.dialect.meta, direct: self.stream.direct() }
    }
}

/// As much as a handshake may bring: some lines.
const HANDSHAKE_BYTES_MAX: usize = 4096;

/// Makes the connections of one lane.
#[derive(Debug, Default)]
pub(crate) struct Dialler {
    /// Addresses that have failed since they last worked, the longest ago first.
    failed: Vec<SocketAddr>,
    /// The look-up under way. It may take longer than a dial does: then the next one waits for it too, and no second one is
    /// begun.
    look_up: Option<LookUp>,
}

/// Asks for the addresses of a name, whether or not anybody waits for them.
#[derive(Debug)]
struct LookUp {
    asking: JoinHandle<io::Result<Vec<SocketAddr>>>,
    began: Instant,
}

/// How many connect timeouts after its beginning a look-up that nobody waited for is too old to be used.
const LOOK_UP_AGE_MAX: u32 = 4;

impl Dialler {
    /// Connects to a server and says hello.
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    pub(crate) async fn dial(&mut self, endpoint: &Endpoint, config: &ServerConfig) -> Result<Dialled, Down> {
        let limit = config.connect_timeout;
        let began = Instant::now();
        let dialled = async {
            let Endpoint::Tcp { host, port } = endpoint else { return connect(endpoint, None, config).await };
            let addrs = match endpoint.socket_addr() {
                Some(addr) => vec![addr],
                None => {
                    let name = (host.to_string(), port.get());
                    self.look_up(name, limit.saturating_mul(LOOK_UP_AGE_MAX)).await.map_err(failed)?
                }
            };
            self.dial_one_of(addrs, endpoint, config, limit.saturating_sub(began.elapsed())).await
        };
        timeout(limit, dialled).await.unwrap_or(Err(Down::ConnectTimeout(limit)))
    }

    /// Tries one address after another.
    async fn dial_one_of(
        &mut self,
        mut addrs: Vec<SocketAddr>,
        endpoint: &Endpoint,
        config: &ServerConfig,
        limit: Duration,
    ) -> Result<Dialled, Down> {
        let began = Instant::now();
        self.failed.retain(|addr| addrs.contains(addr));
        addrs.sort_by_key(|addr| self.failed.iter().position(|failed| failed == addr).map_or(0, |at| at + 1));
        let mut outcome = Err(failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
        for (at, &addr) in addrs.iter().enumerate() {
            let left = limit.saturating_sub(began.elapsed());
            let share = left.div_f64((addrs.len() - at) as f64);
            outcome = timeout(share, connect(endpoint, Some(addr), config))
                .await
                .unwrap_or(Err(Down::ConnectTimeout(config.connect_timeout)));
            self.failed.retain(|failed| *failed != addr);
            match outcome {
                Ok(_) => break,
                Err(_) => self.failed.push(addr),
            }
        }
        outcome
    }

    /// Finds the addresses of the name, or those that the look-up before this one has found meanwhile, unless that began
    /// longer than `age_max` ago: the name may have moved since.
    async fn look_up(&mut self, name: (String, u16), age_max: Duration) -> io::Result<Vec<SocketAddr>> {
        self.look_up.take_if(|before| before.asking.is_finished() && before.began.elapsed() > age_max);
        let begin = || {
            let ask = async move { lookup_host(name).await.map(Iterator::collect) };
            LookUp { asking: tokio::spawn(ask), began: Instant::now() }
        };
        let found = (&mut self.look_up.get_or_insert_with(begin).asking).await;
        self.look_up = None;
        found.unwrap_or_else(|ended| Err(io::Error::other(ended)))
    }
}

impl Drop for Dialler {
    fn drop(&mut self) {
        if let Some(look_up) = &self.look_up {
            look_up.asking.abort();
        }
    }
}

fn failed(error: io::Error) -> Down {
    Down::Connect(Arc::new(error))
}

/// Connects to this address of the server, or to its path.
async fn connect(
    endpoint: &Endpoint,
    addr: Option<SocketAddr>,
    config: &ServerConfig,
) -> Result<Dialled, Down> {
    let mut socket = match (endpoint, addr) {
        (Endpoint::Unix(path), _) => Socket::Unix(UnixStream::connect(path.as_path()).await.map_err(failed)?),
        (Endpoint::Tcp { .. }, None) => return Err(failed(io::ErrorKind::AddrNotAvailable.into())),
        (Endpoint::Tcp { .. }, Some(addr)) => {
            let stream = TcpStream::connect(addr).await.map_err(failed)?;
            // Requests are batched here, and a lone one must not wait for the acknowledgement of the one before.
            stream.set_nodelay(true).map_err(failed)?;
            Socket::Tcp(stream)
        }
    };
    #[cfg(feature = "tls")]
    if let Some(tls) = &config.tls {
        let failed = |error| Down::Tls(Arc::new(error));
        let name = tls.server_name(endpoint).map_err(failed)?;
        let connector = tokio_rustls::TlsConnector::from(tls.client().clone());
        let mut stream =
            connector.connect(name, socket).await.map_err(|error| Down::Connect(Arc::new(error)))?;
        let dialect = say_hello(&mut stream, config).await?;
        return Ok(Dialled { stream: Stream::Tls(Box::new(stream)), dialect });
    }
    let dialect = say_hello(&mut socket, config).await?;
    Ok(Dialled { stream: Stream::plain(socket), dialect })
}

async fn say_hello(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    config: &ServerConfig,
) -> Result<Dialect, Down> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Down::Closed,
        _ => Down::Connect(Arc::new(error)),
    };
    let handshake = Handshake::new(config.auth.as_ref());
    stream.write_all(handshake.output()).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut input = BytesMut::with_capacity(256);
    loop {
        if stream.read_buf(&mut input).await.map_err(failed)? == 0 {
            return Err(Down::Closed);
        }
        match handshake.feed(&input) {
            Progress::Done { mut dialect, consumed } if consumed == input.len() => {
                dialect.meta &= config.commands == Commands::Probed;
                return Ok(dialect);
            }
            Progress::Done { .. } => return Err(Down::Misbehaved(Misbehaviour::Unsolicited)),
            Progress::Failed(error) => return Err(Down::Handshake(error)),
            Progress::NeedMore if input.len() > HANDSHAKE_BYTES_MAX => {
                return Err(Down::Misbehaved(Misbehaviour::Unsolicited));
            }
            Progress::NeedMore => {}
        }
    }
}

impl Down {
    /// What to tell a server's health about a connection that did not come about.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Down::Connect(_) => Failure::Connect,
            Down::ConnectTimeout(_) => Failure::ConnectTimeout,
            Down::Timeout(_) => Failure::Timeout,
            Down::Lost => Failure::Lost,
            Down::Handshake(_) | Down::Closed | Down::Misbehaved(_) | Down::Dropped => Failure::Handshake,
            #[cfg(feature = "tls")]
            Down::Tls(_) => Failure::Handshake,
        }
    }
}

#[cfg(test)]
mod tests {
    use peerset_testkit::{Answer, Port, ScriptedServer};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_nobody_waited_for_is_used_while_it_is_young() {
        let (before, now) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let age_max = Duration::from_secs(4);
        for (age_secs, expected) in [(0, before), (4, before), (5, now)] {
            let asking = tokio::spawn(async move { Ok(vec![before]) });
            while !asking.is_finished() {
                tokio::task::yield_now().await;
            }
            let mut dialler = Dialler::default();
            dialler.look_up = Some(LookUp { asking, began: Instant::now() });
            tokio::time::advance(Duration::from_secs(age_secs)).await;
            let found = dialler.look_up(("127.0.0.1".into(), 2), age_max).await.unwrap();
            assert_eq!(found, [expected], "{age_secs} s old");
        }
    }

    #[tokio::test]
    async fn an_address_that_does_not_work_costs_its_share_once() {
        let hung = ScriptedServer::start(|_| Answer::silence());
        let (closed, well) = (Port::claim(), ScriptedServer::start(Answer::of_empty_memcached));
        let addrs = vec![hung.addr(), closed.addr(), well.addr()];
        let endpoint: Endpoint = "cache.example:11211".parse().unwrap();
        let config = ServerConfig::default();
        let mut dialler = Dialler::default();
        // Shares of a time that is none to a machine under load: the second address is refused at once, and the third has
        // all that is left.
        let limit = Duration::from_secs(30);
        tokio::time::pause();
        let first =
            dialler.dial_one_of(addrs[..1].to_vec(), &endpoint, &config, Duration::from_millis(1)).await;
        assert!(matches!(first, Err(Down::ConnectTimeout(_))), "{first:?}");
        tokio::time::resume();
        for round in 1..4 {
            dialler.dial_one_of(addrs.clone(), &endpoint, &config, limit).await.unwrap();
            assert!(hung.connections() <= 1 && well.connections() == round);
        }
        // When it is the only one left, it is tried all the same.
        dialler.dial_one_of(vec![addrs[1]], &endpoint, &config, limit).await.unwrap_err();
        assert_eq!(dialler.failed, [closed.addr()], "what the name no longer has is forgotten");
    }
}
