//! The figures, told in four ways.

pub(crate) mod markdown;
mod summary;
pub(crate) mod svg;
pub(crate) mod table;

pub(crate) use summary::Report;
