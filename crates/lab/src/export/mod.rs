//! A trace in other shapes: rows of a ladder, a drawing, a capture.

pub(crate) mod ladder;
pub(crate) mod pcapng;
pub(crate) mod svg;
