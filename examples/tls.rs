//! TLS 1.3 by rustls, both ends on hosts of our own.

use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{LinkSpec, Network};
use std::error::Error;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (here, there) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    // A certificate for this run alone, which the client is given to trust.
    let made = rcgen::generate_simple_self_signed(["talk.example".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone())?;
    let server =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)?;
    let client = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();

    let listener = TcpListener::bind(&there, "10.7.0.2:443").await?;
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let service = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = acceptor.accept(stream).await?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        stream.write_all(&heard).await?;
        stream.shutdown().await
    });

    let stream = TcpStream::connect(&here, "10.7.0.2:443").await?;
    let name = ServerName::try_from("talk.example")?;
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
    println!("{:?}", stream.get_ref().1.protocol_version().ok_or("no version was agreed on")?);
    let said = "secret ".repeat(100_000);
    stream.write_all(said.as_bytes()).await?;
    stream.shutdown().await?;
    let mut back = String::new();
    stream.read_to_string(&mut back).await?;
    println!("{} bytes came back, {}", back.len(), if back == said { "the same" } else { "others" });
    service.await??;
    Ok(())
}
