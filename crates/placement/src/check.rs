//! What is refused before anything is built.

use crate::{BuildError, Kind, POINTS_MAX, Server, Spec, Weights};

/// More bytes than any host name has; the original programs' buffers end near here too.
const TEXT_BYTES_MAX: usize = 1024;

pub(crate) fn servers(kind: Kind, servers: &[Server]) -> Result<(), BuildError> {
    if servers.len() > POINTS_MAX {
        return Err(BuildError::Points { asked: servers.len() as u64 });
    }
    for (index, server) in servers.iter().enumerate() {
        text(index, "host", Some(&server.host))?;
        text(index, "name", server.name.as_deref())?;
        text(index, "ip", server.ip.as_deref())?;
        let weight = server.weight;
        let wants = match kind.weights() {
            Weights::Ignored => None,
            Weights::WholeOrOne => (!is_whole(weight)).then_some("whole numbers"),
            Weights::Whole => (!is_whole(weight) || weight < 1.0).then_some("whole numbers from 1"),
            Weights::Fraction => (!(0.0..=1.0).contains(&weight)).then_some("numbers from 0 to 1"),
            Weights::Any => (!(0.0..=WEIGHT_MAX).contains(&weight)).then_some("numbers from 0"),
        };
        if let Some(wants) = wants {
            return Err(BuildError::Weight { index, weight, kind, wants });
        }
    }
    Ok(())
}

/// Large enough for any use, and the sum of a million of them is far from overflow.
const WEIGHT_MAX: f64 = 1e12;

fn is_whole(weight: f64) -> bool {
    weight.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&weight)
}

fn text(index: usize, field: &'static str, text: Option<&str>) -> Result<(), BuildError> {
    let what = match text.map(str::as_bytes) {
        None => return Ok(()),
        Some([]) => "is empty",
        Some(bytes) if bytes.len() > TEXT_BYTES_MAX => "has more than 1,024 bytes",
        // C ends a text at NUL and configurations end at a line, so that no original could have such a server.
        Some(bytes) if bytes.iter().any(u8::is_ascii_control) => "has a control character",
        Some(_) => return Ok(()),
    };
    Err(BuildError::Text { index, field, what })
}

pub(crate) fn options(spec: &Spec) -> Result<(), BuildError> {
    let kind = spec.kind;
    let wrong = |option, what| Err(BuildError::Option { kind, option, what });
    if let Some(option) = spec.foreign_option() {
        return wrong(option, "is not an option of it");
    }
    if spec.options.hash.is_some_and(|hash| !kind.hashes().contains(&hash)) {
        return wrong("hash", "is none of those it has");
    }
    if spec.options.tag.is_some() && spec.options.stop.is_some() {
        return wrong("tag", "and stop exclude each other");
    }
    Ok(())
}
