//! Many hosts on impaired cables in virtual time, and packet scripts.
//!
//! [`script`] runs one host against a written conversation.

pub mod script;
