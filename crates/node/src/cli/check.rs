//! `peerset check`: whether a config file is right, and what it means.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::config_file::{ConfigError, ConfigFile};
use super::proxy::{ProxyFlags, ProxySettings, ProxySettingsError};
use super::register::RegisterFlags;
use super::serve::{ServeFlags, ServeSettings};
use super::units::Period;
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};
use crate::output::to_stdout;
use crate::proxy::config::{PoolConfig, ProxyConfig};
use crate::register::RegisterSettings;
use crate::register::check::Check;

const EXAMPLES: &str = "\
Examples:
  peerset check /etc/peerset.toml
  peerset check /etc/peerset.toml && kill -HUP $(pidof peerset)

A config file:
  [pools.east]
  discover = \"static:10.0.0.1:11211,10.0.0.2:11211\"

  [pools.west]
  discover = \"file:/etc/peerset/west\"

  [routes]
  default = \"east\"

  [routes.prefix]
  \"session:\" = { failover = [\"east\", \"west\"] }
  \"tmp:\" = { null = true }";

/// Check a config file, and say in words what it means.
///
/// Prints what each command would do with the file, and warnings of what is probably not meant, and exits with 0. A file
/// with mistakes gives all of them with their places, and 2. Servers are not asked; files that are named are read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The config file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a config file without mistakes means.
#[derive(Debug)]
pub(crate) struct Meaning {
    /// None if there is no `[serve]`.
    serve: Option<ServeSettings>,
    proxy: Proxy,
    /// None if there is no `[register]`.
    register: Option<RegisterSettings>,
}

/// What a file says to `peerset proxy`.
#[derive(Debug)]
enum Proxy {
    /// Nothing.
    Silent,
    /// Flags, without a pool among them.
    NoPool,
    Whole(Box<(ProxySettings, ProxyConfig)>),
}

impl CheckArgs {
    /// Reads all of the file.
    pub(crate) fn read(&self) -> anyhow::Result<Meaning> {
        let file = ConfigFile::read(&self.file)?;
        let flags = both(file.flags::<ServeFlags>("serve"), file.flags::<ProxyFlags>("proxy"));
        let rest = both(file.proxy(), file.flags::<RegisterFlags>("register"));
        let ((serve, proxy), (pools, register)) = both(flags, rest)?;
        let at = |table| format!("{}: {table}", self.file.display());
        let serve = file.has("serve").then(|| serve.settings()).transpose().with_context(|| at("[serve]"))?;
        let register = file.has("register").then(|| register.settings()).transpose();
        let register = register.with_context(|| at("[register]"))?;
        let proxy = match file.has("proxy") || pools.is_some() {
            true => match proxy.settings(Some(&self.file), pools) {
                Ok(whole) => Proxy::Whole(Box::new(whole)),
                Err(error) if matches!(error.downcast_ref(), Some(ProxySettingsError::NoPool)) => {
                    Proxy::NoPool
                }
                Err(error) => return Err(error.context(at("[proxy]"))),
            },
            false => Proxy::Silent,
        };
        Ok(Meaning { serve, proxy, register })
    }
}

/// Both, or the mistakes of both.
fn both<A, B>(one: Result<A, ConfigError>, other: Result<B, ConfigError>) -> Result<(A, B), ConfigError> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(one), Err(other)) => Err(one.and(other)),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

impl Meaning {
    /// Says it on standard output.
    pub(crate) fn print(&self) -> anyhow::Result<()> {
        to_stdout(|out| Ok(self.write(out)?))
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(serve) = &self.serve {
            write_serve(out, serve)?;
        }
        if let Some(register) = &self.register {
            write_register(out, register)?;
        }
        let (settings, proxy) = match &self.proxy {
            Proxy::Silent => return Ok(()),
            Proxy::NoPool => return writeln!(out, "proxy\n  no pools: they are to be given by --pool"),
            Proxy::Whole(whole) => &**whole,
        };
        write_proxy(out, settings)?;
        proxy.pools.iter().try_for_each(|pool| write_pool(out, pool))?;
        writeln!(out, "routes")?;
        for line in proxy.route.explain() {
            writeln!(out, "  {line}")?;
        }
        proxy.warnings.iter().try_for_each(|warning| writeln!(out, "\n{warning}"))
    }
}

fn write_serve(out: &mut impl Write, settings: &ServeSettings) -> io::Result<()> {
    writeln!(out, "serve")?;
    write_front(out, &settings.listen, settings.http, &settings.front)?;
    writeln!(out, "  memory      {}, items up to {}", settings.memory, settings.max_item)
}

fn write_register(out: &mut impl Write, settings: &RegisterSettings) -> io::Result<()> {
    let RegisterSettings { url, member, check, target, rhythm, look, set: _ } = settings;
    writeln!(out, "register")?;
    writeln!(out, "  set         {url}")?;
    writeln!(out, "  endpoint    {}", member.endpoint)?;
    member
        .endpoints
        .iter()
        .try_for_each(|(name, endpoint)| writeln!(out, "  named       {name} {endpoint}"))?;
    match check {
        Check::None => writeln!(out, "  check       none")?,
        _ => writeln!(
            out,
            "  check       {check} at {target} every {}, for at most {}",
            Period(rhythm.every),
            Period(rhythm.limit)
        )?,
    }
    writeln!(out, "  session     {} after this process is lost", Period(look.zookeeper.session_timeout))
}

fn write_proxy(out: &mut impl Write, settings: &ProxySettings) -> io::Result<()> {
    writeln!(out, "proxy")?;
    write_front(out, &settings.listen, settings.http, &settings.front)?;
    writeln!(out, "  memory      {} for buffers, items up to {}", settings.buffer_memory, settings.max_item)
}

fn write_front(
    out: &mut impl Write,
    listen: &[ListenAddress],
    http: Option<HttpSettings>,
    front: &front::Config,
) -> io::Result<()> {
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    writeln!(out, "  listens on  {}", listen.join(", "))?;
    match http {
        Some(http) => writeln!(out, "  pages at    http://{}", http.address)?,
        None => writeln!(out, "  pages       none")?,
    }
    writeln!(out, "  clients     {} at one time", front.max_conns)
}

fn write_pool(out: &mut impl Write, pool: &PoolConfig) -> io::Result<()> {
    let PoolConfig { name, urls, discover_as, spec, owner_down, meta, server, secrets: _ } = pool;
    writeln!(out, "pool {name}")?;
    for (at, url) in urls.iter().enumerate() {
        writeln!(out, "  {}  {url}", if at == 0 { "servers   " } else { "and       " })?;
    }
    if !discover_as.is_empty() {
        writeln!(out, "  found as    who the discover-auth-file says")?;
    }
    writeln!(out, "  placement   {spec}")?;
    let (request, connect) = (Period(server.request_timeout), Period(server.connect_timeout));
    writeln!(
        out,
        "  timeout     {request} for a request, {connect} to connect; {} may wait",
        server.queue_requests_max
    )?;
    let health = &server.health;
    let (min, max) = (Period(health.retry_min), Period(health.retry_max));
    let lost = match health.eject_after {
        1 => "a lost connection".to_owned(),
        count => format!("{count} lost connections in a row"),
    };
    writeln!(
        out,
        "  down        after a refusal, a time-out or {lost}, for {min} to {max}; its keys: {owner_down}"
    )?;
    if !server.prefix.is_empty() {
        writeln!(out, "  key prefix  {}", server.prefix.escape_ascii())?;
    }
    if let Some(auth) = &server.auth {
        writeln!(out, "  user        {}", auth.user())?;
    }
    if server.tls.is_some() {
        writeln!(out, "  tls         yes")?;
    }
    if !meta {
        writeln!(out, "  protocol    classic commands only")?;
    }
    Ok(())
}
