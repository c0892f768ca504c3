//! The `netstrata` command.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the command lives in real time, outside of the core"
)]

mod arguments;
mod connect;
mod failure;
mod find;
mod gateway;
mod invocation;
mod lab;
mod lan;
mod logging;
mod naming;
mod nearest;
mod network;
mod output;
mod ping;
mod serve;
mod signals;
mod status;
mod usage;
mod values;
mod web;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = match usage::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let outcome = run(arguments);
    logging::finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let is_server = match &arguments.command {
        Command::Serve(_) => true,
        // What hands an interface over enters a namespace, which a process with threads cannot.
        Command::Gateway(arguments) => !arguments.hand_over,
        _ => false,
    };
    logging::start(arguments.verbose, is_server);
    match arguments.command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Connect(arguments) => connect::run(arguments),
        Command::Gateway(arguments) => {
            logging::write_on();
            gateway::run(*arguments)
        }
        Command::Ping(arguments) => ping::run(arguments),
        Command::Find(arguments) => find::run(&arguments),
        Command::Lan(arguments) => lan::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Lab(arguments) => lab::run(&arguments),
        Command::Bench(arguments) => measure(&arguments),
    }
}

fn measure(arguments: &bench::Arguments) -> Result<(), Failure> {
    // Memory is told by the `bench` program alone, which has a heap that counts.
    bench::run(arguments, None).map_err(|error| Failure::new(format!("{error:#}"), "see `bench --help`"))
}
