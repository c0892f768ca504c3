//! The lab as a WebAssembly module, without a generator of glue: a few exported functions, and `lab.js` beside this crate.
//!
//! Bytes go in by [`input`], which gives the place for them, and come out of [`output`]; every other function reads the input
//! and returns how many bytes it has put out. Nothing here is unsafe but the promise that the exported names are unique.
#![allow(unsafe_code, reason = "an exported name must be promised to be unique; there is no unsafe block")]

use lab::{Request, Trace};
use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// The last run that was not refused.
    static TRACE: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

/// Makes room for `length` bytes of input; returns where they belong.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; length];
        input.as_mut_ptr()
    })
}

/// Where the output of the last call is.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}

/// Puts out the catalogue of experiments as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn catalogue() -> usize {
    put(lab::json::catalogue().into_bytes())
}

/// Runs what the input, a request as JSON, asks for. Puts out `{"trace": …}` or `{"refusal": …}`.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> usize {
    let answer = match request().and_then(|request| lab::run(&request)) {
        Ok(trace) => {
            let answer = lab::json::trace(&trace);
            TRACE.set(Some(trace));
            answer
        }
        Err(refusal) => lab::json::refusal(&refusal),
    };
    put(answer.into_bytes())
}

/// Puts out the last run as a drawing (SVG), in the language that the input names: `zh`, or else English.
#[unsafe(no_mangle)]
pub extern "C" fn svg() -> usize {
    let chinese = INPUT.with_borrow(|input| input.starts_with(b"zh"));
    put(TRACE
        .with_borrow(|trace| trace.as_ref().map(|trace| lab::svg(trace, chinese)))
        .unwrap_or_default()
        .into_bytes())
}

/// Puts out the last run as a capture (pcapng).
#[unsafe(no_mangle)]
pub extern "C" fn pcapng() -> usize {
    put(TRACE.with_borrow(|trace| trace.as_ref().map(lab::pcapng)).unwrap_or_default())
}

fn request() -> Result<Request, lab::Refusal> {
    INPUT.with_borrow(|input| lab::json::request(input))
}

fn put(bytes: Vec<u8>) -> usize {
    let length = bytes.len();
    OUTPUT.set(bytes);
    length
}
