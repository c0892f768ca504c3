//! SYN cookies (RFC 4987 3.6) will live here: until then a full half-open queue drops SYNs.
