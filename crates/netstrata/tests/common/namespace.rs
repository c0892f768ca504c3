//! Network namespaces that tests make for themselves, with the Linux kernel's own stack in them.

use std::process::Command;

/// Set in the environment of the inner call of a test.
const INSIDE: &str = "NETSTRATA_TEST_NAMESPACE";

/// Runs the test of this name once more in a network namespace of its own, made by `unshare` with these options too. Returns whether
/// this is that inner call.
pub(crate) fn in_namespace(test: &str, options: &[&str]) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new("unshare");
    command.arg("--net").args(options).arg("--").arg(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--include-ignored", "--nocapture"]).env(INSIDE, "1");
    assert!(command.status().expect("unshare runs").success(), "the test failed inside the namespace");
    false
}

/// Runs `ip` with these words.
pub(crate) fn ip(words: &str) {
    run("ip", words);
}

/// Runs a program that must succeed.
pub(crate) fn run(program: &str, words: &str) {
    let status = Command::new(program).args(words.split(' ')).status();
    assert!(status.expect("it can be started").success(), "{program} {words}");
}
