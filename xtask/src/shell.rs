//! Running other programs the way a person would type them: the line is shown, and nothing waits on standard input.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Makes the workspace root the current directory, wherever below it `cargo xtask` was typed.
pub(crate) fn enter_workspace() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask/ lies in the workspace root")?;
    std::env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}

/// A command ready to run. Standard input is closed, so that CI and a terminal behave alike.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The cargo that runs this program: the same toolchain for every step.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Shows the command and runs it; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("    $ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Times for a mirror to recover, before each further try of what asks one.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20), Duration::from_secs(40)];

/// As [`run`], but tries again: for what a mirror or a registry answers, which may be an error once and not again.
pub(crate) fn run_patiently(command: &mut Command) -> Result<()> {
    for pause in PAUSES {
        match run(command) {
            Ok(()) => return Ok(()),
            Err(error) => println!("    {error:#}; trying again in {pause:?}"),
        }
        std::thread::sleep(pause);
    }
    run(command)
}

/// As [`run`], and returns the lines of both outputs that `wanted` picks, for the closing line of a longer run.
///
/// Both outputs are forwarded line by line; a program that redraws its progress sees no terminal and prints plain lines.
pub(crate) fn run_noting(command: &mut Command, wanted: fn(&str) -> bool) -> Result<Vec<String>> {
    println!("    $ {}", shown(command));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {}", shown(command)))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let errors = std::thread::spawn(move || forward(stderr, wanted, |line| eprint!("{line}")));
    let mut noted = forward(stdout, wanted, |line| print!("{line}"));
    noted.extend(errors.join().unwrap_or_default());
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(noted)
}

fn forward(from: Option<impl std::io::Read>, wanted: fn(&str) -> bool, show: fn(&str)) -> Vec<String> {
    let mut noted = Vec::new();
    let Some(from) = from else { return noted };
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    // Tests may print bytes that are no UTF-8, so lines are read as bytes.
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        show(&text);
        if wanted(&text) {
            noted.push(text.trim().to_owned());
        }
        line.clear();
    }
    noted
}

/// Runs quietly and returns standard output; a failure carries standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` failed:\n{}", shown(command), String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", shown(command)))
}

/// Runs quietly; true if it could be started and said yes.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Where a program is found: `PATH`, then cargo's own folder, where cargo looks for its subcommands too.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    std::env::split_paths(&path)
        .chain(cargo_home.map(|home| home.join("bin")))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The command as typed, without the path of its program and with quotes where a shell needs them.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let set = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let words =
        std::iter::once(program).chain(command.get_args()).map(|word| quoted(&word.to_string_lossy()));
    set.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}
