//! The token of `memcached -Y`.

use std::fmt;

/// User and password for a server that wants them before anything else (`memcached -Y`, "Authentication" in
/// `protocol.txt`).
///
/// They travel in the clear unless the connection is under TLS. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    user: String,
    password: String,
}

/// Why a user or password cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} has to be 1 to 250 bytes without spaces and control characters")]
pub struct AuthError {
    what: &'static str,
}

const WORD_BYTES_MAX: usize = 250;

impl Auth {
    /// Checks both.
    ///
    /// # Errors
    /// One is empty, longer than 250 bytes, or has a space or control character, which memcached could not tell from
    /// the end.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Result<Auth, AuthError> {
        let (user, password) = (user.into(), password.into());
        for (what, word) in [("the user", &user), ("the password", &password)] {
            let plain = word.bytes().all(|byte| byte > b' ' && byte != 0x7f);
            if word.is_empty() || word.len() > WORD_BYTES_MAX || !plain {
                return Err(AuthError { what });
            }
        }
        Ok(Auth { user, password })
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Appends the `set` that memcached takes for the token.
    ///
    /// The exptime of -1 is for servers that want no token: they store an item that has already expired, and nobody can
    /// read the password back.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let Auth { user, password } = self;
        let bytes = user.len() + 1 + password.len();
        out.extend_from_slice(format!("set auth 0 -1 {bytes}\r\n{user} {password}\r\n").as_bytes());
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("user", &self.user).finish_non_exhaustive()
    }
}
