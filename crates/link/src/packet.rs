//! A packet socket on an interface of this machine (Linux, AF_PACKET): a station of our own on a network that the kernel is on.

mod device;
mod filter;
mod opening;
mod ring;

pub use device::Device;
pub use opening::Options;

#[cfg(test)]
mod tests;
