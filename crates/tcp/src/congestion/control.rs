//! What is peculiar to each congestion control: one of them, as plain data.

use super::algorithm::Algorithm;
use super::controller::Controller;
use super::cubic::Cubic;
use super::new_reno::NewReno;
use super::window::Window;

#[derive(Clone, Debug)]
pub(super) enum Control {
    Cubic(Cubic),
    NewReno(NewReno),
}

impl Control {
    pub(super) fn new(algorithm: Algorithm, window: &Window) -> Control {
        match algorithm {
            Algorithm::Cubic => Control::Cubic(Cubic::new(window)),
            Algorithm::NewReno => Control::NewReno(NewReno::default()),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Control::Cubic(_) => Algorithm::Cubic,
            Control::NewReno(_) => Algorithm::NewReno,
        }
    }

    pub(super) fn controller(&mut self) -> &mut dyn Controller {
        match self {
            Control::Cubic(control) => control,
            Control::NewReno(control) => control,
        }
    }
}
