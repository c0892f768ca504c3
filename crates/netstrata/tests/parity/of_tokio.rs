//! The sockets for tasks beside those of `tokio::net`.

use crate::has;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

macro_rules! tcp_stream_of_tokio {
    ($name:ident, $type:ty, $std:ty, $interest:ty, $ready:ty, $owned_read:ty, $owned_write:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        async fn $name(stream: &$type, mut owned: $type, blocking: $std, context: &mut Context<'_>) {
            let interest = <$interest>::READABLE | <$interest>::WRITABLE;
            let buffer = &mut ReadBuf::new(&mut []);
            let slices = &mut [IoSliceMut::new(&mut [])];
            let _: io::Result<$type> = <$type>::from_std(blocking);
            let _: &$type = stream.as_ref();
            let _: io::Result<SocketAddr> = stream.local_addr();
            let _: io::Result<SocketAddr> = stream.peer_addr();
            let _: io::Result<Option<io::Error>> = stream.take_error();
            let _: Poll<io::Result<usize>> = stream.poll_peek(context, buffer);
            let _: io::Result<$ready> = stream.ready(interest).await;
            let _: io::Result<()> = stream.readable().await;
            let _: Poll<io::Result<()>> = stream.poll_read_ready(context);
            let _: io::Result<usize> = stream.try_read(&mut []);
            let _: io::Result<usize> = stream.try_read_vectored(slices);
            let _: io::Result<usize> = stream.try_read_buf(&mut Vec::new());
            let _: io::Result<()> = stream.writable().await;
            let _: Poll<io::Result<()>> = stream.poll_write_ready(context);
            let _: io::Result<usize> = stream.try_write(&[]);
            let _: io::Result<usize> = stream.try_write_vectored(&[IoSlice::new(&[])]);
            let _: io::Result<u8> = stream.try_io(interest, || Ok(1));
            let _: io::Result<u8> = stream.async_io(interest, || Ok(1)).await;
            let _: io::Result<usize> = stream.peek(&mut []).await;
            let _: io::Result<bool> = stream.nodelay();
            let _: io::Result<()> = stream.set_nodelay(true);
            let _: io::Result<Option<Duration>> = stream.linger();
            let _: io::Result<()> = stream.set_linger(None);
            let _: io::Result<()> = stream.set_zero_linger();
            let _: io::Result<()> = stream.set_quickack(true);
            let _: io::Result<bool> = stream.quickack();
            let _: io::Result<u32> = stream.ttl();
            let _: io::Result<()> = stream.set_ttl(1);
            {
                let (mut read, write) = owned.split();
                let _: Poll<io::Result<usize>> = read.poll_peek(context, buffer);
                let _: io::Result<usize> = read.peek(&mut []).await;
                let _: io::Result<$ready> = read.ready(interest).await;
                let _: io::Result<()> = read.readable().await;
                let _: io::Result<usize> = read.try_read(&mut []);
                let _: io::Result<usize> = read.try_read_vectored(slices);
                let _: io::Result<usize> = read.try_read_buf(&mut Vec::new());
                let _: io::Result<SocketAddr> = read.peer_addr();
                let _: io::Result<SocketAddr> = read.local_addr();
                let _: (&$type, &$type) = (read.as_ref(), write.as_ref());
                let _: io::Result<$ready> = write.ready(interest).await;
                let _: io::Result<()> = write.writable().await;
                let _: io::Result<usize> = write.try_write(&[]);
                let _: io::Result<usize> = write.try_write_vectored(&[IoSlice::new(&[])]);
                let _: io::Result<SocketAddr> = write.peer_addr();
                let _: io::Result<SocketAddr> = write.local_addr();
            }
            let (mut read, write): ($owned_read, $owned_write) = owned.into_split();
            let _: Poll<io::Result<usize>> = read.poll_peek(context, buffer);
            let _: io::Result<usize> = read.peek(&mut []).await;
            let _: io::Result<$ready> = read.ready(interest).await;
            let _: io::Result<()> = read.readable().await;
            let _: io::Result<usize> = read.try_read(&mut []);
            let _: io::Result<usize> = read.try_read_vectored(slices);
            let _: io::Result<usize> = read.try_read_buf(&mut Vec::new());
            let _: io::Result<SocketAddr> = read.peer_addr();
            let _: io::Result<SocketAddr> = read.local_addr();
            let _: io::Result<$ready> = write.ready(interest).await;
            let _: io::Result<()> = write.writable().await;
            let _: io::Result<usize> = write.try_write(&[]);
            let _: io::Result<usize> = write.try_write_vectored(&[IoSlice::new(&[])]);
            let _: io::Result<SocketAddr> = write.peer_addr();
            let _: io::Result<SocketAddr> = write.local_addr();
            let _: (&$type, &$type) = (read.as_ref(), write.as_ref());
            let Ok(whole) = read.reunite(write) else { return };
            let (read, write) = whole.into_split();
            let Ok(whole) = write.reunite(read) else { return };
            whole.into_split().1.forget();
            streams::<$type>();
            streams_in::<$owned_read>();
            streams_out::<$owned_write>();
            has::<$type>();
        }
    };
}

fn streams<T: AsyncRead + AsyncWrite + Unpin + Send + Sync>() {}
fn streams_in<T: AsyncRead + Unpin + Send + Sync>() {}
fn streams_out<T: AsyncWrite + Unpin + Send + Sync>() {}

macro_rules! tcp_listener_of_tokio {
    ($name:ident, $type:ty, $stream:ty, $std:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        async fn $name(listener: $type, blocking: $std, context: &mut Context<'_>) {
            let _: io::Result<($stream, SocketAddr)> = listener.accept().await;
            let _: Poll<io::Result<($stream, SocketAddr)>> = listener.poll_accept(context);
            let _: io::Result<$type> = <$type>::from_std(blocking);
            let _: io::Result<SocketAddr> = listener.local_addr();
            let _: io::Result<u32> = listener.ttl();
            let _: io::Result<()> = listener.set_ttl(1);
            let _: io::Result<$std> = listener.into_std();
            has::<$type>();
        }
    };
}

macro_rules! udp_socket_of_tokio {
    ($name:ident, $type:ty, $std:ty, $interest:ty, $ready:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        async fn $name(socket: $type, blocking: $std, to: SocketAddr, context: &mut Context<'_>) {
            let interest = <$interest>::READABLE.add(<$interest>::WRITABLE);
            let buffer = &mut ReadBuf::new(&mut []);
            let _: io::Result<$type> = <$type>::from_std(blocking);
            let _: io::Result<SocketAddr> = socket.local_addr();
            let _: io::Result<SocketAddr> = socket.peer_addr();
            let _: io::Result<()> = socket.connect(to).await;
            let _: io::Result<$ready> = socket.ready(interest).await;
            let _: io::Result<()> = socket.writable().await;
            let _: Poll<io::Result<()>> = socket.poll_send_ready(context);
            let _: io::Result<usize> = socket.send(&[]).await;
            let _: Poll<io::Result<usize>> = socket.poll_send(context, &[]);
            let _: io::Result<usize> = socket.try_send(&[]);
            let _: io::Result<()> = socket.readable().await;
            let _: Poll<io::Result<()>> = socket.poll_recv_ready(context);
            let _: io::Result<usize> = socket.recv(&mut []).await;
            let _: Poll<io::Result<()>> = socket.poll_recv(context, buffer);
            let _: io::Result<usize> = socket.try_recv(&mut []);
            let _: io::Result<usize> = socket.try_recv_buf(&mut Vec::new());
            let _: io::Result<usize> = socket.recv_buf(&mut Vec::new()).await;
            let _: io::Result<(usize, SocketAddr)> = socket.try_recv_buf_from(&mut Vec::new());
            let _: io::Result<(usize, SocketAddr)> = socket.recv_buf_from(&mut Vec::new()).await;
            let _: io::Result<usize> = socket.send_to(&[], to).await;
            let _: Poll<io::Result<usize>> = socket.poll_send_to(context, &[], to);
            let _: io::Result<usize> = socket.try_send_to(&[], to);
            let _: io::Result<(usize, SocketAddr)> = socket.recv_from(&mut []).await;
            let _: Poll<io::Result<SocketAddr>> = socket.poll_recv_from(context, buffer);
            let _: io::Result<(usize, SocketAddr)> = socket.try_recv_from(&mut []);
            let _: io::Result<u8> = socket.try_io(interest, || Ok(1));
            let _: io::Result<u8> = socket.async_io(interest, || Ok(1)).await;
            let _: io::Result<usize> = socket.peek(&mut []).await;
            let _: Poll<io::Result<()>> = socket.poll_peek(context, buffer);
            let _: io::Result<usize> = socket.try_peek(&mut []);
            let _: io::Result<(usize, SocketAddr)> = socket.peek_from(&mut []).await;
            let _: Poll<io::Result<SocketAddr>> = socket.poll_peek_from(context, buffer);
            let _: io::Result<(usize, SocketAddr)> = socket.try_peek_from(&mut []);
            let _: io::Result<SocketAddr> = socket.peek_sender().await;
            let _: Poll<io::Result<SocketAddr>> = socket.poll_peek_sender(context);
            let _: io::Result<SocketAddr> = socket.try_peek_sender();
            let (group, group_v6) = (std::net::Ipv4Addr::LOCALHOST, std::net::Ipv6Addr::LOCALHOST);
            let _: io::Result<()> = socket.join_multicast_v4(group, group);
            let _: io::Result<()> = socket.leave_multicast_v4(group, group);
            let _: io::Result<()> = socket.join_multicast_v6(&group_v6, 0);
            let _: io::Result<()> = socket.leave_multicast_v6(&group_v6, 0);
            let _: io::Result<()> = socket.set_multicast_loop_v4(true);
            let _: io::Result<bool> = socket.multicast_loop_v4();
            let _: io::Result<()> = socket.set_multicast_loop_v6(true);
            let _: io::Result<bool> = socket.multicast_loop_v6();
            let _: io::Result<()> = socket.set_multicast_ttl_v4(1);
            let _: io::Result<u32> = socket.multicast_ttl_v4();
            let _: io::Result<bool> = socket.broadcast();
            let _: io::Result<()> = socket.set_broadcast(true);
            let _: io::Result<u32> = socket.ttl();
            let _: io::Result<()> = socket.set_ttl(1);
            let _: io::Result<Option<io::Error>> = socket.take_error();
            let _: io::Result<$std> = socket.into_std();
            has::<$type>();
        }
    };
}

macro_rules! readiness_of_tokio {
    ($name:ident, $interest:ty, $ready:ty) => {
        #[allow(dead_code, reason = "it only has to compile")]
        fn $name() {
            let interest: $interest = <$interest>::READABLE.add(<$interest>::WRITABLE);
            let _: (bool, bool) = (interest.is_readable(), interest.is_writable());
            let all: $ready =
                <$ready>::READABLE | <$ready>::WRITABLE | <$ready>::READ_CLOSED | <$ready>::WRITE_CLOSED;
            let ready: $ready = (all - <$ready>::EMPTY) & (<$ready>::ALL | <$ready>::ERROR);
            let _: [bool; 3] = [ready.is_empty(), ready.is_readable(), ready.is_writable()];
            let _: [bool; 3] = [ready.is_read_closed(), ready.is_write_closed(), ready.is_error()];
        }
    };
}

tcp_stream_of_tokio!(
    tokio_stream_theirs,
    tokio::net::TcpStream,
    std::net::TcpStream,
    tokio::io::Interest,
    tokio::io::Ready,
    tokio::net::tcp::OwnedReadHalf,
    tokio::net::tcp::OwnedWriteHalf
);
tcp_stream_of_tokio!(
    tokio_stream_ours,
    netstrata::tokio::TcpStream,
    netstrata::TcpStream,
    netstrata::tokio::Interest,
    netstrata::tokio::Ready,
    netstrata::tokio::OwnedReadHalf,
    netstrata::tokio::OwnedWriteHalf
);
tcp_listener_of_tokio!(
    tokio_listener_theirs,
    tokio::net::TcpListener,
    tokio::net::TcpStream,
    std::net::TcpListener
);
tcp_listener_of_tokio!(
    tokio_listener_ours,
    netstrata::tokio::TcpListener,
    netstrata::tokio::TcpStream,
    netstrata::TcpListener
);
udp_socket_of_tokio!(
    tokio_udp_theirs,
    tokio::net::UdpSocket,
    std::net::UdpSocket,
    tokio::io::Interest,
    tokio::io::Ready
);
udp_socket_of_tokio!(
    tokio_udp_ours,
    netstrata::tokio::UdpSocket,
    netstrata::UdpSocket,
    netstrata::tokio::Interest,
    netstrata::tokio::Ready
);
readiness_of_tokio!(tokio_readiness_theirs, tokio::io::Interest, tokio::io::Ready);
readiness_of_tokio!(tokio_readiness_ours, netstrata::tokio::Interest, netstrata::tokio::Ready);

/// The constructors differ in the host that ours take first.
#[allow(dead_code, reason = "it only has to compile")]
async fn constructors_of_tokio(host: &netstrata::Host, at: SocketAddr, blocking: netstrata::TcpStream) {
    let _: io::Result<tokio::net::TcpStream> = tokio::net::TcpStream::connect(at).await;
    let _: io::Result<netstrata::tokio::TcpStream> = netstrata::tokio::TcpStream::connect(host, at).await;
    let _: io::Result<tokio::net::TcpListener> = tokio::net::TcpListener::bind(at).await;
    let _: io::Result<netstrata::tokio::TcpListener> = netstrata::tokio::TcpListener::bind(host, at).await;
    let _: io::Result<tokio::net::UdpSocket> = tokio::net::UdpSocket::bind(at).await;
    let _: io::Result<netstrata::tokio::UdpSocket> = netstrata::tokio::UdpSocket::bind(host, at).await;
    let Ok(stream) = netstrata::tokio::TcpStream::try_from(blocking) else { return };
    let _: io::Result<netstrata::TcpStream> = stream.into_std();
}
