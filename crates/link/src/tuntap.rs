//! A cable to the kernel of this machine (Linux): TAP and TUN interfaces.

mod device;
mod ioctl;
mod kind;
mod napi;
mod outlet;
mod pace;
mod rests;
mod writer;

pub use crate::vnet::Offload;
pub use device::Device;

#[cfg(test)]
mod tests;
