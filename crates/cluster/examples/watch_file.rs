//! Follows a file of members and prints every change, until it is interrupted.
//!
//! ```text
//! printf '10.0.0.1:11211\n' > /tmp/pool
//! cargo run -p peerset-cluster --example watch_file -- file:/tmp/pool &
//! printf '10.0.0.2:11211@2=big\noops\n' >> /tmp/pool
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

use peerset_cluster::{Discover, DiscoveryUrl, FileSource, Snapshot};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let path = match argument.parse() {
        Ok(DiscoveryUrl::File(file)) => file.path,
        Ok(other) => {
            eprintln!("this example only follows files, not {}", other.scheme());
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match follow(FileSource::open(path)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn follow<E: std::error::Error + 'static>(
    source: Result<FileSource, E>,
) -> Result<(), Box<dyn std::error::Error>> {
    let source = source?;
    let mut watch = source.watch();
    let mut before = watch.borrow();
    loop {
        let now = watch.changed().await?;
        println!("{:8} {:3} members  {}", now.state(), now.len(), Snapshot::diff(&before, &now));
        for problem in source.problems().iter() {
            println!("         {problem}");
        }
        before = now;
    }
}
