//! What is missing here, each with its reason in the documentation.

use std::collections::BTreeSet;
use std::io;

/// Names a method of an original: it must exist there to be listed as missing here.
macro_rules! absent {
    ($($path:path),* $(,)?) => {{
        #[allow(unused_must_use, path_statements, reason = "each is only named")]
        { $(let _ = $path;)* }
        [$(stringify!($path)),*]
    }};
}

/// Traits can be named as bounds only.
macro_rules! absent_traits {
    ($($trait:path),* $(,)?) => {{
        $({ #[allow(dead_code, reason = "the trait is only named")] fn named<T: $trait>() {} })*
        [$(stringify!($trait)),*]
    }};
}

/// Types can be named as arguments only.
macro_rules! absent_types {
    ($($type:path),* $(,)?) => {{
        $({ #[allow(dead_code, reason = "the type is only named")] fn named(_: $type) {} })*
        [$(stringify!($type)),*]
    }};
}

/// A generic function, which only its use tells from another.
#[allow(dead_code, reason = "it only has to compile")]
async fn generic_functions() {
    drop(tokio::net::lookup_host("localhost:80").await);
}
const GENERIC: [&str; 1] = ["tokio::net::lookup_host"];

fn absent() -> BTreeSet<String> {
    let mut names: Vec<&str> =
        absent![std::net::TcpListener::only_v6, std::net::TcpListener::set_only_v6,].to_vec();
    names.extend(absent_types![tokio::net::TcpSocket]);
    names.extend(GENERIC);
    names.extend(absent_traits![
        std::os::fd::AsFd,
        std::os::fd::AsRawFd,
        std::os::fd::FromRawFd,
        std::os::fd::IntoRawFd,
        tokio::net::ToSocketAddrs,
    ]);
    names.into_iter().map(normal).chain(ON_LINUX.into_iter().map(str::to_owned)).collect()
}

/// Those that the originals have on Linux only.
const ON_LINUX: [&str; 8] = [
    "tokio::net::UdpSocket::bind_device",
    "tokio::net::UdpSocket::device",
    "tokio::net::UdpSocket::set_tclass_v6",
    "tokio::net::UdpSocket::set_tos",
    "tokio::net::UdpSocket::set_tos_v4",
    "tokio::net::UdpSocket::tclass_v6",
    "tokio::net::UdpSocket::tos",
    "tokio::net::UdpSocket::tos_v4",
];

#[cfg(target_os = "linux")]
#[test]
fn what_is_absent_on_linux_exists_in_the_originals() {
    let named = absent![
        tokio::net::UdpSocket::device,
        tokio::net::UdpSocket::set_tclass_v6,
        tokio::net::UdpSocket::set_tos,
        tokio::net::UdpSocket::set_tos_v4,
        tokio::net::UdpSocket::tclass_v6,
        tokio::net::UdpSocket::tos,
        tokio::net::UdpSocket::tos_v4,
    ];
    // This one takes its argument by `impl`-free generics whose type only a call tells.
    let _: fn(&tokio::net::UdpSocket, Option<&[u8]>) -> io::Result<()> = tokio::net::UdpSocket::bind_device;
    assert!(named.into_iter().map(normal).all(|name| ON_LINUX.contains(&name.as_str())));
}

fn normal(path: &str) -> String {
    path.split_whitespace().collect()
}

#[test]
fn the_documentation_lists_exactly_what_is_absent_each_with_a_reason() {
    let table = include_str!("../../src/absent.md");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let documented: BTreeSet<String> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            assert!(cells.len() == 2 && !cells[1].is_empty(), "a row without a reason: {row}");
            cells[0].trim_matches('`').to_owned()
        })
        .collect();
    assert_eq!(documented, absent());
}
