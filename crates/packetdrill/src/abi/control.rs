//! Control messages, as C has them.

use super::device::EPOCH;
use crate::address::Family;
use crate::notices::Notice;

const HEADER: usize = size_of::<libc::cmsghdr>();
const ALIGNMENT: usize = size_of::<usize>();
/// ENOMSG and the origins of `sock_extended_err`.
const NO_MESSAGE: u32 = libc::ENOMSG as u32;
const ORIGIN_STAMP: u8 = 4;
const ORIGIN_COPY: u8 = 5;
/// The code of bytes that were copied though it was asked not to.
const COPIED: u8 = 1;
/// Bytes of the error without and of the address behind it: IPv4, IPv6.
const ERROR: usize = 16;
const ADDRESSES: (usize, usize) = (16, 28);
/// Three times of seconds and nanoseconds.
const TIMES: usize = 48;

/// Lays the control message that tells the unread bytes into `out`; returns its length with padding.
pub(super) fn put_rest(out: Option<&mut [u8]>, rest: i32) -> usize {
    put(out, 0, libc::SOL_TCP, libc::TCP_CM_INQ, &rest.to_ne_bytes())
}

/// Lays a notice of a socket of `family` into `out`; returns the length of all with padding, and the flags of its message.
pub(super) fn put_notice(mut out: Option<&mut [u8]>, notice: Notice, family: Family) -> (usize, i32) {
    let (level, name, address) = match family {
        Family::Ipv4 => (libc::SOL_IP, libc::IP_RECVERR, ADDRESSES.0),
        Family::Ipv6 => (libc::SOL_IPV6, libc::IPV6_RECVERR, ADDRESSES.1),
    };
    let (number, origin, code, info, data) = match notice {
        Notice::Done { first, last } => (0, ORIGIN_COPY, COPIED, first, last),
        Notice::Stamp { stage, key, .. } => (NO_MESSAGE, ORIGIN_STAMP, 0, stage, key),
    };
    let mut error = vec![0; ERROR + address];
    error[..4].copy_from_slice(&number.to_ne_bytes());
    (error[4], error[6]) = (origin, code);
    error[8..12].copy_from_slice(&info.to_ne_bytes());
    error[12..16].copy_from_slice(&data.to_ne_bytes());
    let (mut at, mut flags) = (0, 0);
    if let Notice::Stamp { at: time, .. } = notice {
        let mut times = [0; TIMES];
        let seconds = (EPOCH + time.as_nanos() / 1_000_000_000) as i64;
        times[..8].copy_from_slice(&seconds.to_ne_bytes());
        times[8..16].copy_from_slice(&((time.as_nanos() % 1_000_000_000) as i64).to_ne_bytes());
        at = put(out.as_deref_mut(), 0, libc::SOL_SOCKET, libc::SCM_TIMESTAMPING, &times);
        // The bytes themselves come with it elsewhere, and are cut off.
        flags = libc::MSG_TRUNC;
    }
    (put(out, at, level, name, &error), flags)
}

/// Lays one control message into `out` from `at` on; returns where it ends, with padding. If there is no room, that is `at`.
fn put(out: Option<&mut [u8]>, at: usize, level: i32, name: i32, data: &[u8]) -> usize {
    let length = HEADER + data.len();
    let end = at + length.next_multiple_of(ALIGNMENT);
    let Some(out) = out.and_then(|out| out.get_mut(at..end)) else { return at };
    out[..ALIGNMENT].copy_from_slice(&length.to_ne_bytes());
    out[ALIGNMENT..ALIGNMENT + 4].copy_from_slice(&level.to_ne_bytes());
    out[ALIGNMENT + 4..HEADER].copy_from_slice(&name.to_ne_bytes());
    out[HEADER..length].copy_from_slice(data);
    out[length..].fill(0);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_messages_are_laid_out_one_behind_the_other_or_not_at_all() {
        let mut out = [255; 128];
        let notice = Notice::Stamp { stage: 2, key: 7, at: basis::Instant::from_millis(1_500) };
        let (length, flags) = put_notice(Some(&mut out), notice, Family::Ipv4);
        assert_eq!((length, flags), (64 + 48, libc::MSG_TRUNC));
        assert_eq!(out[..8], 64usize.to_ne_bytes());
        assert_eq!(out[24..32], 500_000_000i64.to_ne_bytes());
        assert_eq!(out[64..72], 48usize.to_ne_bytes());
        assert_eq!(put_notice(Some(&mut out[..47]), notice, Family::Ipv4).0, 0);
        assert_eq!(put_rest(Some(&mut out), 9), 24);
        assert_eq!(put_rest(None, 9), 0);
    }
}
