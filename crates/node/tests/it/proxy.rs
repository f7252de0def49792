//! `peerset proxy` in front of real servers.

mod admin;
mod clients;
mod differential;
mod everyday;
mod faults;
mod fleet;
mod gathered;
mod languages;
mod load;
mod many;
mod membership;
mod metrics;
mod reload;
mod routes;
mod serverset;
mod settings;
mod stored;
mod twemproxy;
