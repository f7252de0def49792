//! The program as a user meets it: started, spoken to over sockets, stopped.

mod admin;
mod bad_input;
mod cli;
mod clients;
mod differential;
mod lifecycle;
mod wire;
