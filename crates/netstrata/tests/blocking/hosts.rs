//! The ends of hosts.

use crate::LIMIT;
use crate::common::{RIGHT, connected, pair, pattern, within};
use netstrata::{Host, TcpListener, TcpStream};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn shutdown_of_a_host_waits_until_everything_is_delivered() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        client.write_all(&pattern(200_000)).unwrap();
        drop(client);
        let reading = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received
        });
        assert!(left.shutdown(Duration::from_secs(10)));
        assert!(left.is_stopped());
        assert!(reading.join().unwrap() == pattern(200_000));
    });
}

#[test]
fn sockets_of_a_stopped_host_say_so_instead_of_waiting() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, _server) = connected(&left, &right);
        let reading = thread::spawn(move || client.read(&mut [0; 8]).unwrap_err().kind());
        thread::sleep(Duration::from_millis(20));
        left.shutdown(Duration::from_millis(10));
        assert_eq!(reading.join().unwrap(), ErrorKind::NotConnected);
        let error = TcpStream::connect(&left, (RIGHT, 7)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn the_driver_ends_with_the_last_handle() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, server) = connected(&left, &right);
        let threads = || {
            let tasks = std::fs::read_dir("/proc/self/task");
            tasks.map_or(0, |tasks| {
                let names = tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("comm")));
                names.flatten().filter(|name| name.trim() == "net-only-here").count()
            })
        };
        let host = Host::builder().name("only-here").start().unwrap();
        let socket = TcpListener::bind(&host, "127.0.0.1:1").unwrap();
        let deadline = Instant::now() + LIMIT / 2;
        // A thread names itself once it runs.
        while cfg!(target_os = "linux") && threads() == 0 {
            assert!(Instant::now() < deadline, "the driver does not run");
            thread::sleep(Duration::from_millis(1));
        }
        drop(host);
        assert!(!socket.host().is_stopped());
        drop(socket);
        while threads() > 0 {
            assert!(Instant::now() < deadline, "the driver goes on");
            thread::sleep(Duration::from_millis(5));
        }
        drop((client, server, left, right));
    });
}
