//! What stands in the way of an encrypted connection, which the client library keeps to itself.

use std::io;
use std::sync::Arc;

use async_net::TcpStream;
use futures_rustls::TlsConnector;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use rustls::pki_types::ServerName;

use super::Tls;

/// One of the four-letter words, to which every server has something to say, be it that it may not say it.
const WORD: &[u8] = b"ruok";

impl Tls {
    /// Begins TLS with the server of that name at the other end, as the client does. An error is the reason that it
    /// fails, in words for people.
    ///
    /// # Cancel safety
    /// It only closes the connection.
    pub(crate) async fn probe(&self, host: String, stream: TcpStream) -> Result<(), String> {
        let config = self.rustls().map_err(|error| error.to_string())?;
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let encrypted = async {
            let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
            // In TLS 1.3 a server looks at its client's certificate when the client already takes the handshake for
            // done, so that a refusal comes instead of the first answer.
            stream.write_all(WORD).await?;
            stream.flush().await?;
            stream.read(&mut [0]).await.map(drop)
        };
        encrypted.await.map_err(|error: io::Error| format!("TLS fails: {error}"))
    }
}
