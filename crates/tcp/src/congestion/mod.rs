//! The catalogue of congestion controls. A new one is a file here, a variant of [`Algorithm`] and of `Congestion`.

mod controller;
mod cubic;
mod new_reno;

pub(crate) use controller::{Acknowledged, Controller};
use new_reno::NewReno;

/// The congestion controls to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 5681 and 6582.
    #[default]
    NewReno,
}

/// The control of one connection: plain data, so that a connection can be cloned.
#[derive(Clone, Debug)]
pub(crate) enum Congestion {
    NewReno(NewReno),
}

impl Congestion {
    pub(crate) fn new(algorithm: Algorithm, segment_size: u32) -> Congestion {
        match algorithm {
            Algorithm::NewReno => Congestion::NewReno(NewReno::new(segment_size)),
        }
    }
}

impl core::ops::Deref for Congestion {
    type Target = dyn Controller;
    #[inline]
    fn deref(&self) -> &(dyn Controller + 'static) {
        match self {
            Congestion::NewReno(control) => control,
        }
    }
}

impl core::ops::DerefMut for Congestion {
    #[inline]
    fn deref_mut(&mut self) -> &mut (dyn Controller + 'static) {
        match self {
            Congestion::NewReno(control) => control,
        }
    }
}
