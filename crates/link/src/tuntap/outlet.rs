//! How frames reach the kernel by an interface's descriptor.

use crate::departure::{Departure, Form};
use crate::interface;
use basis::Frame;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

/// Where frames leave; it keeps the one that the kernel did not take yet.
pub(super) struct Outlet {
    file: Arc<File>,
    name: String,
    departure: Departure,
    /// Frames that the kernel did not take and never will.
    pub(super) lost: u64,
}

impl Outlet {
    pub(super) fn new(file: Arc<File>, name: &str, form: Form, link_header: usize) -> Outlet {
        Outlet { file, name: name.to_owned(), departure: Departure::new(form, link_header), lost: 0 }
    }

    pub(super) fn form(&self) -> Form {
        self.departure.form()
    }

    /// Hands over what waits. False if the kernel takes no more for now.
    ///
    /// # Errors
    /// That the interface has been taken away.
    pub(super) fn send(&mut self, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        while self.departure.prepare(waiting) {
            let result = self.file.write_vectored(&self.departure.parts());
            match result {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if self.departure.refused(&error, waiting) => continue,
                Err(error) => {
                    if let Some(broken) = interface::broken(&self.name, &error) {
                        return Err(broken);
                    }
                    self.lost += self.departure.count() as u64;
                }
            }
            self.departure.clear();
        }
        Ok(true)
    }
}
