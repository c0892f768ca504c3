//! Services that give files, as real clients see them: over our stack through a published port, and over the kernel's sockets.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use common::{Lan, Server, pattern, run, run_command};
use socket2::{Domain, Socket, Type};

const LENGTH: usize = 3_000_001;

/// A LAN whose directory has files to give.
fn files() -> (Lan, String) {
    let lan = Lan::new();
    let root = lan.file("root");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::write(root.join("big"), pattern(LENGTH)).unwrap();
    fs::write(root.join("sub/small.txt"), "small\n".repeat(100)).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(lan.file("secret"), "secret").unwrap();
    symlink("../secret", root.join("way-out")).unwrap();
    let root = root.display().to_string();
    (lan, root)
}

/// A server over our stack, and one over the kernel's sockets.
fn both(service: &str, port: u16, lan: &Lan, root: &str) -> [Server; 2] {
    let publish = format!("127.0.0.1:0={port}");
    let ours = lan.serve(&["--service", service, "--root", root, "--publish", &publish]);
    let system = Server::on_system(&format!("{service}@0"), lan, &["--root", root]);
    [ours, system]
}

/// Where a client of the operating system finds the server.
fn place(server: &Server) -> String {
    if server.banner.contains("    nc ") { server.published().to_string() } else { server.address() }
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
#[ignore = "needs curl and wget"]
fn curl_and_wget_get_the_same_bytes_and_go_on_where_they_stopped() {
    let (lan, root) = files();
    for server in both("http", 8080, &lan, &root) {
        let at = place(&server);
        let to = lan.file("fetched");
        let fetched = || fs::read(lan.file("fetched")).unwrap();
        let curl = |arguments: &[&str], path: &str| {
            let _ = fs::remove_file(lan.file("part"));
            succeed(
                Command::new("curl")
                    .args(["-sSf", "--path-as-is", "-o"])
                    .arg(&to)
                    .args(arguments)
                    .arg(format!("http://{at}/{path}")),
            )
        };
        curl(&[], "big");
        assert!(fetched() == pattern(LENGTH));
        curl(&["--compressed"], "sub/small.txt");
        assert_eq!(fetched(), "small\n".repeat(100).as_bytes());
        curl(&["-r", "1000-1999"], "big");
        assert!(fetched() == pattern(LENGTH)[1000..2000]);
        // Broken off in the middle, then resumed.
        fs::write(&to, &pattern(LENGTH)[..1_234_567]).unwrap();
        curl(&["-C", "-"], "big");
        assert!(fetched() == pattern(LENGTH));
        curl(&[], "empty");
        assert!(fetched().is_empty());

        let directory = lan.file("wget");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("big"), &pattern(LENGTH)[..2_000_000]).unwrap();
        let wget = |arguments: &[&str]| {
            succeed(Command::new("wget").args(["-nv", "-t1"]).args(arguments).current_dir(&directory))
        };
        wget(&["-c", &format!("http://{at}/big")]);
        assert!(fs::read(directory.join("big")).unwrap() == pattern(LENGTH));
        // By following the list of the directory.
        wget(&["-r", "-np", "-nH", &format!("http://{at}/")]);
        assert_eq!(fs::read(directory.join("sub/small.txt")).unwrap(), "small\n".repeat(100).as_bytes());
        assert!(!directory.join("way-out").exists());

        for path in ["way-out", "../secret", "sub/../../secret", "%2e%2e/secret"] {
            let output = Command::new("curl")
                .args(["-sS", "--path-as-is", "-w", "%{http_code}", &format!("http://{at}/{path}")])
                .output()
                .unwrap();
            let told = String::from_utf8(output.stdout).unwrap();
            assert!(told.ends_with("404") && !told.contains("secret"), "{path}: {told}");
        }
        assert_eq!(server.stop().code(), Some(0));
    }
}

#[test]
fn the_same_server_gives_files_and_talks() {
    let (lan, root) = files();
    let services = ["--service", "talk", "--service", "http", "--root", &root];
    let server = lan.serve(&[&services, ["--publish", "127.0.0.1:0=9528"].as_slice()].concat());
    let link = lan.link();
    let request = b"GET /sub/small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let outcome = run(&["connect", "--link", &link, "10.7.0.2:8080"], request);
    assert!(outcome.is_quiet_success(), "{outcome:?}");
    assert!(outcome.text().starts_with("HTTP/1.1 200 OK\r\n") && outcome.text().ends_with("small\n"));
    common::exchange(&mut server.call(), b"and talks");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn files_and_their_givers_are_named_together() {
    let (lan, root) = files();
    let missing = lan.file("missing").display().to_string();
    let file = PathBuf::from(&root).join("big").display().to_string();
    for (arguments, told) in [
        (
            vec!["--service", "http"],
            "http@8080 gives files, and none are named; name their directory with --root",
        ),
        (vec!["--root", &root], "are given by no service; add one with --service http"),
        (vec!["--service", "http", "--root", &missing], "cannot be given: No such file or directory"),
        (vec!["--service", "http", "--root", &file], "cannot be given: Not a directory"),
    ] {
        let link = lan.link();
        let all = [["serve", "--no-web", "--link", &link].as_slice(), &arguments].concat();
        let outcome = run_command(common::netstrata().args(&all), b"");
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(told), "{outcome:?}");
    }
}

/// Files of a certificate for 127.0.0.1, and of its key.
fn certificate(lan: &Lan) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (lan.file("certificate.pem"), lan.file("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    [certificate.display().to_string(), key.display().to_string()]
}

/// Ports for data that nobody else gets while this lives, in whichever process.
struct DataPorts {
    range: String,
    /// Bound to them, and shared with a server's listeners (SO_REUSEADDR), as long as it does not listen itself.
    _held: Vec<Socket>,
}

impl DataPorts {
    fn new() -> DataPorts {
        let hold = |port| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            // Fails if anybody has it. Then it is shared.
            socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into())?;
            socket.set_reuse_address(true)?;
            Ok::<_, std::io::Error>(socket)
        };
        // Below the ports that the system gives by itself.
        let begin = 23_000 + std::process::id() as u16 % 500 * 8;
        let rows = (begin..32_000).step_by(8);
        let held = |first| (first..first + 8).map(hold).collect::<Result<Vec<_>, _>>().ok();
        let (first, held) = rows.into_iter().find_map(|first| Some((first, held(first)?))).unwrap();
        DataPorts { range: format!("{first}-{}", first + 7), _held: held }
    }
}

const FTPLIB: &str = r#"
import ftplib, ssl, sys
host, port, files, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=certificate)
expected = open(files + "/big", "rb").read()
for secure in (False, True):
    client = ftplib.FTP_TLS(context=context) if secure else ftplib.FTP()
    client.connect(host, port, timeout=60)
    client.login()
    if secure:
        client.prot_p()
        # What was agreed in the open does not hold inside (RFC 2228 3): the type is text again, and the file begins at its beginning.
        again = ftplib.FTP_TLS(context=context)
        again.connect(host, port, timeout=60)
        ftplib.FTP.login(again)
        for line in ("TYPE I", "CWD sub", "REST 7", "OPTS MLST size;"):
            again.sendcmd(line)
        again.auth()
        again.login(secure=False)
        again.prot_p()
        assert again.pwd() == "/", again.pwd()
        try:
            raise SystemExit("the type was kept: " + again.sendcmd("SIZE big"))
        except ftplib.error_perm:
            pass
        assert " MLST type*;size*;" in again.sendcmd("FEAT"), "the facts were kept"
        got = bytearray()
        again.retrbinary("RETR big", got.extend)
        assert got == expected, "the offset was kept"
        again.quit()
    got = bytearray()
    client.retrbinary("RETR big", got.extend)
    assert got == expected, "the whole file"
    got = bytearray(expected[:1234567])
    client.retrbinary("RETR big", got.extend, rest=len(got))
    assert got == expected, "the rest of it"
    assert client.size("big") == len(expected)
    assert [name for name, facts in client.mlsd() if facts["type"] == "file"] == ["big", "empty"]
    client.cwd("sub")
    lines = []
    client.retrlines("RETR small.txt", lines.append)
    assert lines == ["small"] * 100, lines
    assert client.nlst("/") == ["big", "empty", "sub"]
    for path in ("/way-out", "../../secret", "/../secret"):
        try:
            client.retrbinary("RETR " + path, print)
            raise SystemExit("given: " + path)
        except ftplib.error_perm:
            pass
    try:
        client.storbinary("STOR x", open(files + "/empty", "rb"))
        raise SystemExit("taken")
    except ftplib.error_perm:
        pass
    client.quit()
print("all is well")
"#;

#[test]
#[ignore = "needs python3 and curl"]
fn ftp_clients_get_the_same_bytes_in_the_open_and_by_tls() {
    let (lan, root) = files();
    let [certificate, key] = certificate(&lan);
    let tls = ["--root", &root, "--certificate", &certificate, "--key", &key];
    let (own, of_system) = (DataPorts::new(), DataPorts::new());
    let ours = lan.serve(
        &[["--service", "ftp", "--publish", "127.0.0.1:0=8021", "--data-ports", &own.range].as_slice(), &tls]
            .concat(),
    );
    let system =
        Server::on_system("ftp@0", &lan, &[["--data-ports", &of_system.range].as_slice(), &tls].concat());
    for server in [ours, system] {
        let at = place(&server);
        let (host, port) = at.rsplit_once(':').unwrap();
        let output = succeed(Command::new("python3").args(["-c", FTPLIB, host, port, &root, &certificate]));
        assert_eq!(output.stdout, b"all is well\n");
        let to = lan.file("fetched");
        for arguments in [&[][..], &["--ssl-reqd", "--cacert", &certificate], &["--disable-epsv"]] {
            let _ = fs::remove_file(&to);
            let url = format!("ftp://{at}/big");
            succeed(Command::new("curl").args(["-sSf", "-o"]).arg(&to).args(arguments).arg(&url));
            assert!(fs::read(&to).unwrap() == pattern(LENGTH), "{arguments:?}");
            fs::write(&to, &pattern(LENGTH)[..2_000_000]).unwrap();
            succeed(Command::new("curl").args(["-sSf", "-C", "-", "-o"]).arg(&to).args(arguments).arg(&url));
            assert!(fs::read(&to).unwrap() == pattern(LENGTH), "{arguments:?}, resumed");
        }
        assert_eq!(server.stop().code(), Some(0));
    }
}

#[test]
#[ignore = "needs curl"]
fn an_active_client_of_the_kernel_is_called_back() {
    let (lan, root) = files();
    let ports = DataPorts::new();
    let server = Server::on_system("ftp@0", &lan, &["--data-ports", &ports.range, "--root", &root]);
    let to = lan.file("fetched");
    for arguments in [["-P", "127.0.0.1"].as_slice(), &["-P", "127.0.0.1", "--disable-eprt"]] {
        let _ = fs::remove_file(&to);
        let url = format!("ftp://{}/big", place(&server));
        succeed(Command::new("curl").args(["-sSf", "-o"]).arg(&to).args(arguments).arg(&url));
        assert!(fs::read(&to).unwrap() == pattern(LENGTH), "{arguments:?}");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn what_ftp_needs_is_checked_before_anything_is_joined() {
    let (lan, root) = files();
    let [certificate, key] = certificate(&lan);
    let ftp = ["--service", "ftp", "--root", root.as_str()];
    for (arguments, told) in [
        (vec!["--data-ports", "8020-8030"], "the port of ftp@8021 is one of 8020-8030 for data"),
        (vec!["--certificate", &certificate], "--key"),
        (vec!["--certificate", &key, "--key", &key], "cannot be used for TLS"),
        (vec!["--certificate", &certificate, "--key", "/nothing"], "/nothing cannot be used for TLS"),
    ] {
        let link = lan.link();
        let all = [["serve", "--no-web", "--link", &link].as_slice(), &ftp, &arguments].concat();
        let outcome = run_command(common::netstrata().args(&all), b"");
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(told), "{outcome:?}");
    }
}

/// To the service all that is published comes from one address: it still knows them apart.
#[test]
#[cfg(target_os = "linux")]
fn a_stranger_at_a_published_data_port_gets_nothing() {
    use std::io::{BufRead, BufReader, Read, Write};
    let (lan, root) = files();
    let ports = DataPorts::new();
    let publish = ["--publish", "127.0.0.1:0=8021", "--data-ports", &ports.range];
    let server = lan.serve(&[&["--service", "ftp", "--root", &root][..], &publish].concat());
    let mut control = BufReader::new(server.call());
    let mut say = |line: &str, code: &str| {
        if !line.is_empty() {
            control.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        }
        let mut answer = String::new();
        control.read_line(&mut answer).unwrap();
        assert!(answer.starts_with(code), "{line}: {answer}");
        answer
    };
    say("", "220 ");
    say("USER anonymous", "331 ");
    say("PASS x", "230 ");
    say("TYPE I", "200 ");
    let answer = say("EPSV", "229 ");
    let port: u16 = answer.split("|||").nth(1).unwrap().split('|').next().unwrap().parse().unwrap();
    let call_from = |from: [u8; 4]| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        TcpStream::from(socket)
    };
    let mut stranger = call_from([127, 0, 0, 9]);
    say("RETR sub/small.txt", "150 ");
    let mut stolen = Vec::new();
    // It is let go at once.
    let _ = stranger.read_to_end(&mut stolen);
    assert_eq!(stolen, b"");
    let mut got = Vec::new();
    call_from([127, 0, 0, 1]).read_to_end(&mut got).unwrap();
    assert_eq!(got, "small\n".repeat(100).as_bytes());
    say("", "226 ");
    assert_eq!(server.stop().code(), Some(0));
}
