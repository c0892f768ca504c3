//! A cable to the kernel of this machine (Linux): TAP and TUN interfaces.

mod device;
mod intake;
mod ioctl;
mod kind;
mod offload;

pub use device::Device;
pub use offload::Offload;

#[cfg(test)]
mod tests;
