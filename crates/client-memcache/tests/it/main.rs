//! The client against real memcached and against servers that misbehave.
