//! An XDP socket on an interface of this machine (Linux, AF_XDP): a station of our own on a network that the kernel is on, whose frames
//! reach us before the kernel makes anything of them.

mod device;
mod opening;
mod program;
mod ring;
mod socket;

pub use device::Device;

#[cfg(test)]
mod tests;
