//! How much one shared client gets out of a server: operations a second and the CPU each one takes.
//!
//! ```text
//! memcached -t 1 &
//! cargo run --release -p peerset-client-memcache --example load -- 127.0.0.1:11211 128
//! ```
//! Arguments: address, tasks, operations in all, connections, `many` for multi-gets of 100 or `threads` for a runtime of two threads.

#![expect(clippy::print_stdout, reason = "an example that reports")]

use std::env;
use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use peerset_client_memcache::{Client, Expiry, Key, ServerConfig};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const KEYS: usize = 10_000;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let argument =
        |at: usize, default: &str| arguments.get(at).cloned().unwrap_or_else(|| default.to_owned());
    let address = argument(0, "127.0.0.1:11211").parse()?;
    let (tasks, operations): (usize, usize) = (argument(1, "128").parse()?, argument(2, "1000000").parse()?);
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let mut builder = match has("threads") {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut config = ServerConfig::default();
        config.connections = argument(3, "1").parse()?;
        let client = Client::server(&address, config)?;
        for number in 0..KEYS {
            client.set(Key::new(&name(number))?, [b'v'; 100], Expiry::Never).await?;
        }
        let before = client.servers()[0].counters();
        let (start, cpu) = (Instant::now(), cpu_time()?);
        let each = operations / tasks;
        let running: Vec<_> =
            (0..tasks).map(|task| tokio::spawn(work(client.clone(), task, each, has("many")))).collect();
        for task in running {
            task.await??;
        }
        let (elapsed, cpu) = (start.elapsed(), cpu_time()?.saturating_sub(cpu));
        let done = (each * tasks) as f64;
        let after = client.servers()[0].counters();
        let calls = (after.reads + after.writes - before.reads - before.writes) as f64;
        println!(
            "{:.0} operations/s, {:.2} us of CPU and {:.3} reads and writes an operation",
            done / elapsed.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / done,
            calls / done
        );
        Ok(())
    })
}

/// Nine reads for one write, or multi-gets.
async fn work(client: Client, task: usize, operations: usize, many: bool) -> Outcome {
    let mut number = task * 7919;
    for round in 0..operations {
        number = (number + 6007) % KEYS;
        if many {
            let names: Vec<String> = (0..100).map(|i| name((number + i) % KEYS)).collect();
            let keys = names.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
            let found = client.get_many(&keys).await.found;
            assert!(found.iter().flatten().count() == 100, "all of them are there");
            continue;
        }
        let name = name(number);
        let key = Key::new(&name)?;
        if round % 10 == 9 {
            client.set(key, [b'v'; 100], Expiry::Never).await?;
        } else {
            let item = client.get(key).await?;
            assert!(item.is_some_and(|item| item.data.len() == 100), "every item is there");
        }
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("key:{number:06}")
}

/// User and system time of this process so far.
fn cpu_time() -> Result<Duration, Box<dyn Error + Send + Sync>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}
