//! What guests may have at once.

/// The least bytes of buffers that a TCP flow is given: 64 KiB on its way each way, and 16 KiB in the stack each way.
pub const LEAST_BUFFERS: u64 = 160 << 10;

/// Bounds of a gateway; all are at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Guests that are remembered at once. Default 1024.
    pub guests: usize,
    /// Flows of all guests. Default 8192.
    pub flows: usize,
    /// Flows of one guest. Default 1024.
    pub guest_flows: usize,
    /// Flows that one guest may begin in a second, on average. Default 500.
    pub guest_rate: u32,
    /// Flows that one guest may begin at once after a silence. Default 1000.
    pub guest_burst: u32,
    /// Bytes of buffers that one guest's flows may take. Default 256 MiB.
    pub guest_bytes: u64,
    /// Bytes of buffers that all guests' flows may take. Default 2 GiB.
    pub bytes: u64,
    /// Bytes of buffers that one TCP flow is given at most. Default 2 MiB and 128 KiB.
    pub flow_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            guests: 1024,
            flows: 8192,
            guest_flows: 1024,
            guest_rate: 500,
            guest_burst: 1000,
            guest_bytes: 256 << 20,
            bytes: 2 << 30,
            flow_bytes: (2 << 20) + (128 << 10),
        }
    }
}
