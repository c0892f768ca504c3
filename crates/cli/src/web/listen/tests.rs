use super::*;
use crate::web::feed::Feed;
use crate::web::routes::CALLS;
use netstrata::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A page of a network whose talk service nobody has.
fn routes() -> Arc<Routes> {
    let caller = Host::builder().start().unwrap();
    let talk = SocketAddr::from(([127, 0, 0, 1], 9528));
    Arc::new(Routes::new(Ok(Live { feed: Feed::new(), caller, talk, hosts: Vec::new() }), None))
}

fn connect(routes: &Arc<Routes>) -> (DuplexStream, JoinHandle<io::Result<()>>) {
    let (near, far) = duplex(1 << 16);
    (far, tokio::spawn(converse(near, Arc::clone(routes))))
}

/// What comes until the server ends the connection.
async fn rest(mut stream: DuplexStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn request(body: &str, length: usize) -> String {
    format!(
        "POST /api/talk HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

#[tokio::test(start_paused = true)]
async fn a_browser_has_so_long_for_a_head_between_requests_and_for_a_body() {
    let routes = routes();
    let began = Instant::now();
    let (mut stream, served) = connect(&routes);
    stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let _ = rest(stream).await;
    assert!(served.await.unwrap().is_err());
    assert_eq!(began.elapsed().as_secs(), 15);

    // A whole request and no other.
    let began = Instant::now();
    let (mut stream, _) = connect(&routes);
    stream.write_all(b"HEAD /api/none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    assert!(rest(stream).await.starts_with("HTTP/1.1 404 "));
    assert_eq!(began.elapsed().as_secs(), 15);

    let began = Instant::now();
    let (mut stream, _) = connect(&routes);
    stream.write_all(request("{", 100).as_bytes()).await.unwrap();
    assert!(rest(stream).await.starts_with("HTTP/1.1 413 "));
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn one_call_too_many_is_refused_and_one_that_ends_makes_room() {
    let routes = routes();
    let body = format!("{{\"message\":\"x\",\"client\":\"{}\"}}", "0".repeat(32));
    let ask = async || {
        let (mut stream, _) = connect(&routes);
        stream.write_all(request(&body, body.len()).as_bytes()).await.unwrap();
        rest(stream).await
    };
    let others = routes.calls.try_acquire_many(CALLS as u32).unwrap();
    assert!(ask().await.starts_with("HTTP/1.1 503 "));
    drop(others);
    let _others = routes.calls.try_acquire_many(CALLS as u32 - 1).unwrap();
    // It goes out, where nobody answers.
    assert!(ask().await.starts_with("HTTP/1.1 502 "));
}

/// Over sockets, where unread bytes make a reset of the end.
#[tokio::test]
async fn a_head_of_a_megabyte_gets_its_answer_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut browser = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(converse(listener.accept().await.unwrap().0, routes()));
    let head = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    browser.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    browser.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
