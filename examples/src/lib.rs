//! Programs of the async ecosystem on Netstrata's sockets, each in one file and complete in itself.
//!
//! | `cargo run -p netstrata-examples --example` | What it shows |
//! |---|---|
//! | `web_server` | `axum::serve` on our listener |
//! | `http_client` | hyper's pooling client over a host of ours |
//! | `tls` | TLS 1.3 by rustls on both ends |
//! | `websocket` | a WebSocket by tungstenite |
//! | `relay` | calls carried between our network and the operating system's, each direction closed by itself |
//! | `proxy` | calls to any address and port, each answered as the operating system's connection to there is |
//!
//! Each joins two hosts by a cable in memory, so that it runs anywhere without rights. On another network
//! (`Network::new("tun:tun0".parse()?)`) the rest of the program stays as it is.
