//! CUBIC (RFC 9438) will live here.
