//! The codes of options (RFC 2132).

/// Fills up; it has no length.
pub const PAD: u8 = 0;
/// The network's mask.
pub const SUBNET_MASK: u8 = 1;
/// Routers, the best first.
pub const ROUTER: u8 = 3;
/// Name servers, the best first.
pub const NAME_SERVER: u8 = 6;
/// The longest IP packet, in bytes.
pub const INTERFACE_MTU: u8 = 26;
/// The network's broadcast address.
pub const BROADCAST_ADDRESS: u8 = 28;
/// The address that a client would like to have.
pub const REQUESTED_ADDRESS: u8 = 50;
/// For how long an address is given, in seconds.
pub const LEASE_TIME: u8 = 51;
/// The fields of BOOTP that hold more options.
pub const OVERLOAD: u8 = 52;
/// What a message is.
pub const MESSAGE_KIND: u8 = 53;
/// Which server is meant, or speaks.
pub const SERVER_IDENTIFIER: u8 = 54;
/// The options that a client wants.
pub const PARAMETER_LIST: u8 = 55;
/// The longest message that a client reads, in bytes.
pub const LONGEST_MESSAGE: u8 = 57;
/// When a client asks its server for more time, in seconds: T1.
pub const RENEWAL_TIME: u8 = 58;
/// When it asks any server: T2.
pub const REBINDING_TIME: u8 = 59;
/// Who a client is.
pub const CLIENT_IDENTIFIER: u8 = 61;
/// Nothing follows; it has no length.
pub const END: u8 = 255;
