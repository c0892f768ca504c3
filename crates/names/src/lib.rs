//! Names of hosts and services, without I/O: messages go in and come out as bytes, time and randomness are arguments.
//!
//! [`Responder`] tells the link which names and services are here, and keeps them unique; [`Browser`] finds those of others (RFC 6762,
//! RFC 6763). [`dns`] asks a server (RFC 1035). All of them read and write [`Message`]s.
//!
//! ```
//! use basis::{Instant, Random};
//! use netstrata_names::{Browser, Name, Offer, Responder};
//! let now = Instant::ZERO;
//! let offer = Offer { instance: "talk".into(), kind: "_talk._tcp".into(), port: 9528, text: Vec::new() };
//! let mut responder = Responder::new(now, "server", &["10.7.0.2".parse()?], vec![offer], Random::new([1; 32]))?;
//! let mut browser = Browser::new(now, Random::new([2; 32]));
//! browser.ask(&Name::parse("_talk._tcp.local")?, netstrata_names::record::PTR);
//! assert!(responder.poll_timeout().is_some() && browser.poll_timeout().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod dns;
pub mod mdns;
pub mod message;
pub mod name;
pub mod record;

pub use mdns::browser::{Browser, Found};
pub use mdns::responder::{Offer, Responder};
pub use mdns::{GROUP_V4, GROUP_V6, PORT, To, Transmit};
pub use message::{Malformed, Message, Question};
pub use name::{Name, NotAName};
pub use record::{Data, Record};
