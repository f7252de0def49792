//! Certificates made for one test.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// An authority and what it signed, in PEM, in a folder that is removed with it; good for two days.
///
/// | file | holds |
/// |---|---|
/// | `ca.pem` | the authority |
/// | `server.pem`, `server.key` | a certificate for 127.0.0.1 with its key behind it; the key alone |
/// | `client.pem`, `client.key` | the same of a client |
/// | `stranger.pem` | an authority that signed none of these |
/// | `strange-server.pem` | a certificate for 127.0.0.1 that it did sign, with its key behind it |
///
/// - **Cost**: some 50 ms of `openssl`.
#[derive(Debug)]
pub struct Certificates {
    dir: TempDir,
}

const SCRIPT: &str = r#"
set -e
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
for ca in ca stranger; do openssl req -x509 $ec -keyout $ca.key -out $ca.pem -days 2 -subj /CN=$ca; done
echo subjectAltName=IP:127.0.0.1 > extensions
sign() {
    openssl req $ec -keyout $2.key -out csr -subj /CN=$2
    openssl x509 -req -in csr -CA $1.pem -CAkey $1.key -CAcreateserial -days 2 -extfile extensions -out chain
    cat chain $2.key > $2.pem
}
sign ca server; sign ca client; sign stranger strange-server
"#;

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// When openssl is missing or fails.
    #[track_caller]
    pub fn make() -> Certificates {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let made = Command::new("sh").args(["-c", SCRIPT]).current_dir(&dir).output();
        let made = made.expect("there is a shell");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}\napt-get install openssl, or cargo xtask setup");
        Certificates { dir }
    }

    /// Where one of the files is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What is in it.
    ///
    /// # Panics
    /// When there is no such file.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}
