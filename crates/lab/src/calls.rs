//! What applications on the lab's hosts can call. Each call is recorded with its result.

use crate::lab::Lab;
use sim::network::NodeId;
use std::net::SocketAddr;
use tcp::{ConnectionId, FourTuple, Info, ListenerId, Readiness, Shutdown, SocketOptions, State};

impl Lab {
    fn record(&mut self, host: NodeId, tuple: Option<FourTuple>, call: String, result: String) {
        if let Some(recorder) = &mut self.recorder {
            recorder.on_call(&self.network, host, tuple, call, result);
        }
    }

    /// Listens on a port of every address; the lab's own ports are free.
    pub(crate) fn listen(
        &mut self,
        host: NodeId,
        port: u16,
        backlog: u32,
        options: SocketOptions,
    ) -> Option<ListenerId> {
        let address = SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), port);
        let result = self.network.stack(host).tcp_listen(address, backlog, options);
        let told = match &result {
            Ok(_) => "listening".to_owned(),
            Err(error) => error.to_string(),
        };
        self.record(host, None, format!("listen(port {port}, backlog {backlog})"), told);
        result.ok().map(|(listener, _)| listener)
    }

    /// Begins a connection.
    pub(crate) fn connect(
        &mut self,
        host: NodeId,
        remote: &str,
        options: SocketOptions,
    ) -> Option<ConnectionId> {
        self.connect_from(host, None, remote, options)
    }

    /// Begins a connection from a chosen address and port.
    pub(crate) fn connect_from(
        &mut self,
        host: NodeId,
        local: Option<SocketAddr>,
        remote: &str,
        options: SocketOptions,
    ) -> Option<ConnectionId> {
        let address: SocketAddr = remote.parse().ok()?;
        let now = self.network.now();
        let result = self.network.stack(host).tcp_connect(now, local, address, options);
        let tuple = result.as_ref().ok().and_then(|id| self.tuple(host, *id));
        let told = match (&result, &tuple) {
            (Ok(_), Some(tuple)) => format!("from {}:{}", tuple.local, tuple.local_port),
            (Ok(_), None) => "begun".to_owned(),
            (Err(error), _) => error.to_string(),
        };
        self.record(host, tuple, format!("connect({remote})"), told);
        result.ok()
    }

    /// Takes a connection whose handshake is done, if one waits.
    pub(crate) fn accept(&mut self, host: NodeId, listener: ListenerId) -> Option<ConnectionId> {
        let id = self.network.stack(host).tcp_mut().accept(listener).ok();
        let tuple = id.and_then(|id| self.tuple(host, id));
        let told = tuple.as_ref().map(|tuple| format!("from {}:{}", tuple.remote, tuple.remote_port));
        self.record(host, tuple, "accept()".to_owned(), told.unwrap_or_else(|| "would block".to_owned()));
        id
    }

    /// Writes as much as there is room for; returns how many bytes that was.
    pub(crate) fn write(&mut self, host: NodeId, id: ConnectionId, data: &[u8]) -> usize {
        let (now, tuple) = (self.network.now(), self.tuple(host, id));
        let result = self.network.stack(host).tcp_mut().write(now, id, data);
        let told = match &result {
            Ok(count) => format!("{count} bytes"),
            Err(error) => error.to_string(),
        };
        self.record(host, tuple, format!("write({})", data_name(data)), told);
        result.unwrap_or(0)
    }

    /// Reads up to `most` bytes. `None` if nothing came or the connection has failed; no bytes at the end of the stream.
    pub(crate) fn read(&mut self, host: NodeId, id: ConnectionId, most: usize) -> Option<Vec<u8>> {
        let (now, tuple) = (self.network.now(), self.tuple(host, id));
        let mut out = vec![0; most];
        let result = self.network.stack(host).tcp_mut().read(now, id, &mut out);
        let told = match &result {
            Ok(0) => "end of stream".to_owned(),
            Ok(count) => data_name(&out[..*count]),
            Err(error) => error.to_string(),
        };
        self.record(host, tuple, format!("read({most} bytes)"), told);
        let count = result.ok()?;
        out.truncate(count);
        Some(out)
    }

    /// Closes one direction or both.
    pub(crate) fn shutdown(&mut self, host: NodeId, id: ConnectionId, how: Shutdown) {
        let (now, tuple) = (self.network.now(), self.tuple(host, id));
        let told = match self.network.stack(host).tcp_mut().shutdown(now, id, how) {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        self.record(host, tuple, format!("shutdown({how:?})").to_lowercase(), told);
    }

    /// Gives a handle back.
    pub(crate) fn close(&mut self, host: NodeId, id: ConnectionId) {
        let (now, tuple) = (self.network.now(), self.tuple(host, id));
        self.network.stack(host).tcp_mut().close(now, id);
        self.record(host, tuple, "close()".to_owned(), "done".to_owned());
    }

    /// Ends a connection with a RST.
    pub(crate) fn abort(&mut self, host: NodeId, id: ConnectionId) {
        let (now, tuple) = (self.network.now(), self.tuple(host, id));
        self.network.stack(host).tcp_mut().abort(now, id);
        self.record(host, tuple, "abort()".to_owned(), "done".to_owned());
    }

    // ---- looking ----

    /// A connection's addresses and ports.
    pub(crate) fn tuple(&self, host: NodeId, id: ConnectionId) -> Option<FourTuple> {
        self.network.host(host)?.tcp().tuple(id)
    }

    /// A connection's inside.
    pub(crate) fn info(&self, host: NodeId, id: ConnectionId) -> Option<Info> {
        self.network.host(host)?.tcp().info(id)
    }

    /// A connection's state; closed if there is none.
    pub(crate) fn state(&self, host: NodeId, id: ConnectionId) -> State {
        self.info(host, id).map_or(State::Closed, |info| info.state)
    }

    /// What can be done with a connection without waiting.
    pub(crate) fn readiness(&self, host: NodeId, id: ConnectionId) -> Readiness {
        self.network.host(host).map_or(Readiness::NONE, |stack| stack.tcp().readiness(id))
    }

    /// Whether a connection waits to be accepted.
    pub(crate) fn can_accept(&self, host: NodeId, listener: ListenerId) -> bool {
        self.network.host(host).is_some_and(|stack| stack.tcp().can_accept(listener))
    }
}

/// Short text as it is, the rest as its length.
fn data_name(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) if data.len() <= 40 && !text.is_empty() && text.chars().all(|c| !c.is_control()) => {
            format!("{text:?}")
        }
        _ => format!("{} bytes", data.len()),
    }
}
