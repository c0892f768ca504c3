//! IP beyond its headers: fragments, identifications, path MTUs.

pub(crate) mod fragment;
pub(crate) mod identification;
pub(crate) mod path_mtu;
pub(crate) mod reassembly;
pub(crate) mod v6;
