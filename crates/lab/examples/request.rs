//! Runs the request that is given as JSON on the command line, and writes the answer as JSON.

use netstrata_lab::{json, run};

fn main() {
    let request = std::env::args().nth(1).unwrap_or_else(|| r#"{"experiment":"handshake"}"#.to_owned());
    match json::request(request.as_bytes()).and_then(|request| run(&request)) {
        Ok(trace) => println!("{}", json::trace(&trace)),
        Err(refusal) => println!("{}", json::refusal(&refusal)),
    }
}
