//! Where a connection stands in line: for work, for its timer, for news.

use super::alarms::Alarms;
use super::queue::Queue;
use super::work::{Lanes, News, Turn};
use crate::connection::control_block::ControlBlock;
use crate::connection::effect::Standing;
use basis::{Instant, Key};

/// A host's lines.
pub(super) struct Lines<'a> {
    pub(super) lanes: &'a mut Lanes,
    pub(super) alarms: &'a mut Alarms,
    pub(super) news: &'a mut Queue<News>,
}

/// Borrows a host's lines, and nothing else of it.
macro_rules! lines {
    ($host:expr) => {
        Lines { lanes: &mut $host.lanes, alarms: &mut $host.alarms, news: &mut $host.news }
    };
}
pub(super) use lines;

impl Lines<'_> {
    /// Puts a connection in the lines it belongs to. Called after everything that may change them.
    #[inline(always)]
    pub(super) fn settle(&mut self, key: Key, connection: &mut ControlBlock) {
        let standing = connection.standing();
        self.place(key, connection, standing);
    }

    /// [`Lines::settle`] where it is known how the connection stands.
    #[inline(always)]
    pub(super) fn place(&mut self, key: Key, connection: &mut ControlBlock, standing: Standing) {
        let Standing { may_transmit, deadline, ready } = standing;
        if may_transmit {
            self.queue(key, connection);
        }
        self.arm(key, connection, deadline);
        if connection.detached {
            return;
        }
        if connection.told.update(ready) {
            self.news.push_back(News::Connection(key));
        }
    }

    /// Puts a connection in the line for work. Enough after what neither starts a timer nor makes the connection ready for more.
    #[inline(always)]
    pub(super) fn queue(&mut self, key: Key, connection: &mut ControlBlock) {
        if !connection.queued {
            connection.queued = true;
            self.lanes.get(connection.path.lane).line.push_back(Turn::Connection(key));
        }
    }

    /// Sees to it that the wheel wakes a connection in time. A later deadline waits until the armed one comes: re-arming for
    /// every acknowledgment would cost more.
    #[inline(always)]
    pub(super) fn arm(&mut self, key: Key, connection: &mut ControlBlock, deadline: Instant) {
        if deadline < connection.armed {
            rearm(self.alarms, key, connection, deadline);
        }
    }
}

/// Apart from the lines: they need not lie in memory for it.
#[inline(never)]
fn rearm(alarms: &mut Alarms, key: Key, connection: &mut ControlBlock, deadline: Instant) {
    if connection.armed == Instant::FAR_FUTURE {
        (connection.timer, connection.armed) = alarms.arm(deadline, key.index());
    } else {
        alarms.rearm(connection.timer, deadline);
        connection.armed = deadline;
    }
}
