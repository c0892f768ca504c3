#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netstrata_fuzz::dhcp::run(bytes));
