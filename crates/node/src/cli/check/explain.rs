//! What settings mean, in words.

use peerset_discover_zookeeper::ZookeeperConfig;

use crate::cli::proxy::ProxySettings;
use crate::cli::serve::ServeSettings;
use crate::cli::units::Period;
use crate::cli::zk_tls::is_encrypted;
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};
use crate::locate::LocateSettings;
use crate::output::Format;
use crate::placement::{DiffSettings, SharesSettings};
use crate::proxy::config::PoolConfig;
use crate::register::RegisterSettings;
use crate::register::check::Check;
use crate::watch::WatchSettings;

/// A label of at most ten characters, and what is to be said of it.
type Line = (&'static str, String);

/// Settings that can say what they mean.
pub(super) trait Explain {
    fn explain(&self) -> Vec<Line>;
}

/// The lines as they are printed.
pub(super) fn labelled(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|(label, said)| format!("{label:<10}  {said}")).collect()
}

impl Explain for ServeSettings {
    fn explain(&self) -> Vec<Line> {
        let mut lines = listening(&self.listen, self.http, &self.front);
        lines.push(("memory", format!("{}, items up to {}", self.memory, self.max_item)));
        lines
    }
}

impl Explain for ProxySettings {
    fn explain(&self) -> Vec<Line> {
        let mut lines = listening(&self.listen, self.http, &self.front);
        let memory = format!("{} for buffers, values up to {}", self.buffer_memory, self.max_item);
        lines.push(("memory", memory));
        lines
    }
}

fn listening(listen: &[ListenAddress], http: Option<HttpSettings>, front: &front::Config) -> Vec<Line> {
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    let pages = http.map_or_else(|| "none".to_owned(), |http| format!("http://{}", http.address));
    let clients = format!("{} at any one time", front.max_conns);
    vec![("listens on", listen.join(", ")), ("pages at", pages), ("clients", clients)]
}

impl Explain for PoolConfig {
    fn explain(&self) -> Vec<Line> {
        let PoolConfig { name: _, urls, zookeeper, spec, owner_down, meta, server, secrets: _ } = self;
        let mut lines: Vec<Line> = Vec::new();
        for (at, url) in urls.iter().enumerate() {
            lines.push((if at == 0 { "servers" } else { "and" }, url.to_string()));
        }
        if !zookeeper.credentials.is_empty() {
            lines.push(("found with", "the credentials of discover-auth-file".to_owned()));
        }
        lines.extend(encryption(zookeeper));
        lines.push(("placement", spec.to_string()));
        let (request, connect) = (Period(server.request_timeout), Period(server.connect_timeout));
        let queue = server.queue_requests_max;
        lines.push(("timeout", format!("{request} for a request, {connect} to connect; {queue} may wait")));
        let health = &server.health;
        let lost = match health.eject_after {
            1 => "a lost connection".to_owned(),
            count => format!("{count} lost connections in a row"),
        };
        let (min, max) = (Period(health.retry_min), Period(health.retry_max));
        let down =
            format!("after a refusal, a time-out or {lost}, for {min} to {max}; its keys: {owner_down}");
        lines.push(("down", down));
        if !server.prefix.is_empty() {
            lines.push(("key prefix", server.prefix.escape_ascii().to_string()));
        }
        if let Some(auth) = &server.auth {
            lines.push(("user", auth.user().to_owned()));
        }
        if server.tls.is_some() {
            lines.push(("tls", "yes".to_owned()));
        }
        if !meta {
            lines.push(("protocol", "classic commands only".to_owned()));
        }
        lines
    }
}

impl Explain for RegisterSettings {
    fn explain(&self) -> Vec<Line> {
        let RegisterSettings { url, member, check, target, rhythm, look, set: _ } = self;
        let mut lines = vec![("set", url.to_string()), ("endpoint", member.endpoint.to_string())];
        lines.extend(member.endpoints.iter().map(|(name, endpoint)| ("named", format!("{name} {endpoint}"))));
        let (every, limit) = (Period(rhythm.every), Period(rhythm.limit));
        lines.push((
            "check",
            match check {
                Check::None => "none".to_owned(),
                _ => format!("{check} at {target} every {every}, for at most {limit}"),
            },
        ));
        let session = Period(look.zookeeper.session_timeout);
        lines.push(("session", format!("ends {session} after this process is lost")));
        lines.extend(encryption(&look.zookeeper));
        lines
    }
}

impl Explain for WatchSettings {
    fn explain(&self) -> Vec<Line> {
        let what = if self.once { "the first answer" } else { "every change" };
        let mut lines = vec![("set", self.url.to_string())];
        lines.extend(encryption(&self.look.zookeeper));
        lines.push(("shows", format!("{what} as {}", name(self.format))));
        lines
    }
}

impl Explain for LocateSettings {
    fn explain(&self) -> Vec<Line> {
        let (url, placement) = (self.pool.url.to_string(), self.placement.to_string());
        let mut lines = vec![("servers", url)];
        lines.extend(encryption(&self.pool.zookeeper));
        lines.push(("placement", placement));
        lines.extend(self.key.iter().map(|key| ("key", key.clone())));
        lines.extend(self.keys.iter().map(|file| ("keys of", file.display().to_string())));
        lines.push(("shows", format!("their owners as {}", name(self.format))));
        lines
    }
}

impl Explain for Format {
    fn explain(&self) -> Vec<Line> {
        vec![("shows", format!("all placements as {}", name(*self)))]
    }
}

impl Explain for SharesSettings {
    fn explain(&self) -> Vec<Line> {
        let (url, placement) = (self.pool.url.to_string(), self.placement.to_string());
        let shows = format!("the share of each server as {}", name(self.format));
        let mut lines = vec![("servers", url)];
        lines.extend(encryption(&self.pool.zookeeper));
        lines.extend([("placement", placement), ("shows", shows)]);
        lines
    }
}

impl Explain for DiffSettings {
    fn explain(&self) -> Vec<Line> {
        let keys = self.keys.as_ref().map_or("the key space".to_owned(), |file| file.display().to_string());
        let mut lines = vec![
            ("from", format!("{} by {}", self.from.url, self.from_placement)),
            ("to", format!("{} by {}", self.to.url, self.to_placement)),
        ];
        lines.extend(encryption(&self.to.zookeeper));
        lines.extend([("keys of", keys), ("shows", format!("what moves as {}", name(self.format)))]);
        lines
    }
}

/// Whether what a registry says can be overheard, where it cannot.
fn encryption(zookeeper: &ZookeeperConfig) -> Option<Line> {
    is_encrypted(zookeeper).then(|| ("zookeeper", "over TLS".to_owned()))
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Json => "JSON",
    }
}
