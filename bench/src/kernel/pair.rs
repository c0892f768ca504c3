//! Two ends of the kernel's TCP.

use super::namespace::Veth;
use crate::pair::{Failed, MESSAGE, Pair, Patience};
use crate::pattern::{Pattern, WRITE};
use crate::setup::Setup;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};

/// Ports called in turn: each has its own four-tuples, and those in TIME-WAIT cannot be used for a minute.
const CALLED: usize = 8;
/// Descriptors that the process needs besides its connections.
const OTHER_FILES: u64 = 100;

/// Two sockets and a busy connection between them. Buffers are as large as the kernel makes them.
pub(crate) struct Kernel {
    client: TcpStream,
    server: TcpStream,
    called: Vec<(TcpListener, SocketAddr)>,
    calls: usize,
    _idle: Vec<(TcpStream, TcpStream)>,
    _veth: Option<Veth>,
    pattern: Pattern,
    scratch: Vec<u8>,
    written: u64,
    read: u64,
}

impl Kernel {
    pub(crate) fn over_loopback(setup: &Setup) -> Result<Kernel, Failed> {
        let listen = || Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
        Kernel::new(setup, None, listen)
    }

    pub(crate) fn over_veth(setup: &Setup) -> Result<Kernel, Failed> {
        let veth = Veth::new(setup.mtu)?;
        let address = IpAddr::V4(veth.there);
        let mut listeners: Vec<TcpListener> = veth.there(|| {
            (0..CALLED + 1).map(|_| Ok(TcpListener::bind((address, 0))?)).collect::<Result<_, Failed>>()
        })?;
        let none_left = || Failed::Refused("no listener left".into());
        let pair = Kernel::new(setup, Some(veth), || listeners.pop().ok_or_else(none_left))?;
        let ours = pair.client.local_addr()?.ip();
        match pair._veth.as_ref().is_some_and(|veth| IpAddr::V4(veth.here) == ours) {
            true => Ok(pair),
            false => Err(Failed::Refused(format!("the connection came from {ours}"))),
        }
    }

    fn new(
        setup: &Setup,
        veth: Option<Veth>,
        mut listen: impl FnMut() -> Result<TcpListener, Failed>,
    ) -> Result<Kernel, Failed> {
        allow_files(2 * setup.idle as u64 + OTHER_FILES)?;
        let listener = listen()?;
        let address = listener.local_addr()?;
        let open = || -> Result<(TcpStream, TcpStream), Failed> {
            let client = TcpStream::connect(address)?;
            let server = listener.accept()?.0;
            Ok((client, server))
        };
        let idle = (0..setup.idle).map(|_| open()).collect::<Result<_, Failed>>()?;
        let (client, server) = open()?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
        }
        let mut called = Vec::new();
        for _ in 0..CALLED {
            let listener = listen()?;
            let address = listener.local_addr()?;
            called.push((listener, address));
        }
        Ok(Kernel {
            client,
            server,
            called,
            calls: 0,
            _idle: idle,
            _veth: veth,
            pattern: Pattern::new(setup.checked),
            scratch: vec![0; WRITE],
            written: 0,
            read: 0,
        })
    }

    fn message(&mut self, forth: bool) -> Result<(), Failed> {
        let (mut from, mut to) = match forth {
            true => (&self.client, &self.server),
            false => (&self.server, &self.client),
        };
        let message = self.pattern.at(self.written, MESSAGE as u64);
        let mut patience = Patience::default();
        while progress(from.write(message))?.is_none() {
            patience.after(false, "send a message")?;
        }
        let mut filled = 0;
        while filled < MESSAGE {
            match progress(to.read(&mut self.scratch[filled..]))? {
                Some(count) => filled += count,
                None => patience.after(false, "deliver a message")?,
            }
        }
        match self.pattern.matches(self.written, &self.scratch[..filled]) {
            true => Ok(()),
            false => Err(Failed::Corrupted),
        }
    }
}

impl Pair for Kernel {
    fn transfer(&mut self, bytes: u64) -> Result<(), Failed> {
        (self.written, self.read) = (0, 0);
        let mut patience = Patience::default();
        while self.read < bytes {
            let before = self.read;
            if self.written < bytes {
                let data = self.pattern.at(self.written, bytes - self.written);
                self.written += progress(self.client.write(data))?.unwrap_or(0) as u64;
            }
            while let Some(count) = progress(self.server.read(&mut self.scratch))? {
                if count == 0 {
                    return Err(Failed::Refused("end of stream".into()));
                }
                if !self.pattern.matches(self.read, &self.scratch[..count]) {
                    return Err(Failed::Corrupted);
                }
                self.read += count as u64;
                if self.read == bytes {
                    break;
                }
            }
            patience.after(self.read > before, "transfer")?;
        }
        Ok(())
    }

    fn exchange(&mut self, count: u64) -> Result<(), Failed> {
        for _ in 0..count {
            self.message(true)?;
            self.message(false)?;
            self.written += MESSAGE as u64;
        }
        Ok(())
    }

    fn call(&mut self, count: u64) -> Result<(), Failed> {
        let mut byte = [0];
        for _ in 0..count {
            let (listener, address) = &self.called[self.calls % CALLED];
            self.calls += 1;
            let mut client = TcpStream::connect(address)?;
            let mut server = listener.accept()?.0;
            client.write_all(b"x")?;
            server.read_exact(&mut byte)?;
            server.write_all(&byte)?;
            client.read_exact(&mut byte)?;
            drop(client);
            match server.read(&mut byte)? {
                0 => drop(server),
                _ => return Err(Failed::Corrupted),
            }
        }
        Ok(())
    }
}

/// What a call that never waits has done; `None` if it would have to wait.
fn progress(result: std::io::Result<usize>) -> Result<Option<usize>, Failed> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn allow_files(wanted: u64) -> Result<(), Failed> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(Failed::refused)?;
    if soft >= wanted {
        return Ok(());
    }
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_err() {
        return Err(Failed::Refused(format!("{wanted} files may not be open at once; see `ulimit -n`")));
    }
    Ok(())
}
