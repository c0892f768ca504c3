//! What is peculiar to each congestion control: one of them, as plain data.

use super::algorithm::Algorithm;
use super::bbr::Bbr;
use super::controller::Controller;
use super::cubic::Cubic;
use super::new_reno::NewReno;
use super::window::Window;
use alloc::boxed::Box;

#[derive(Clone, Debug)]
pub(super) enum Control {
    Cubic(Cubic),
    NewReno(NewReno),
    Bbr(Box<Bbr>),
}

impl Control {
    /// That of [`Algorithm::Cubic`], before anything was lost.
    pub(super) const USUAL: Control = Control::Cubic(Cubic::FRESH);

    pub(super) fn new(algorithm: Algorithm, window: &Window) -> Control {
        match algorithm {
            Algorithm::Cubic => Control::Cubic(Cubic::new(window)),
            Algorithm::NewReno => Control::NewReno(NewReno::default()),
            Algorithm::Bbr => Control::Bbr(Box::new(Bbr::new(window))),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Control::Cubic(_) => Algorithm::Cubic,
            Control::NewReno(_) => Algorithm::NewReno,
            Control::Bbr(_) => Algorithm::Bbr,
        }
    }

    /// One that answers acknowledgments and losses with windows; none that has a model (`modelled.rs`).
    pub(super) fn controller(&mut self) -> Option<&mut dyn Controller> {
        match self {
            Control::Cubic(control) => Some(control),
            Control::NewReno(control) => Some(control),
            Control::Bbr(_) => None,
        }
    }
}
