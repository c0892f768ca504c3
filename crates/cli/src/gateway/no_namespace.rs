//! Where there are no network namespaces: `--netns` is refused.

use crate::arguments::GatewayArguments;
use crate::failure::Failure;
use netstrata::LinkSpec;
use netstrata::link::Link;
use netstrata::wire::ethernet::MacAddress;
use std::convert::Infallible;
use std::io;

/// An interface that was opened elsewhere; there is none.
pub(crate) struct Handed(Infallible);

/// Refuses.
pub(crate) fn open(_: &GatewayArguments, _: &str) -> Result<Handed, Failure> {
    Err(refusal())
}

/// Refuses.
pub(crate) fn hand_over(_: &GatewayArguments, _: &str) -> Result<(), Failure> {
    Err(refusal())
}

fn refusal() -> Failure {
    Failure::usage("--netns needs the network namespaces of Linux", "give --link lan[:PATH]")
}

impl Handed {
    pub(crate) fn link(self, _: &LinkSpec, _: MacAddress, _: bool) -> io::Result<Box<dyn Link>> {
        match self.0 {}
    }

    pub(crate) fn mtu(&self) -> usize {
        match self.0 {}
    }
}
