//! Entries of directories as lines: for machines (RFC 3659 7), and as `ls -l` has them.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::tree::Entry;

/// Which facts MLST and MLSD tell (RFC 3659 7.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    chosen: [bool; NAMES.len()],
}

const NAMES: [&str; 4] = ["type", "size", "modify", "perm"];

impl Default for Facts {
    fn default() -> Facts {
        Facts { chosen: [true; NAMES.len()] }
    }
}

impl Facts {
    /// Those that `OPTS MLST` names; unknown ones are left out.
    pub(super) fn chosen(names: &str) -> Facts {
        let named = |name: &str| names.split(';').any(|chosen| chosen.eq_ignore_ascii_case(name));
        Facts { chosen: NAMES.map(named) }
    }

    /// The names of the chosen ones, each with a semicolon.
    pub(super) fn names(self) -> String {
        self.named().fold(String::new(), |names, name| names + name + ";")
    }

    /// All names, with a mark at those that are chosen, as FEAT has them.
    pub(super) fn offer(self) -> String {
        let mut offer = String::new();
        for (name, chosen) in NAMES.iter().zip(self.chosen) {
            let _ = write!(offer, "{name}{};", if chosen { "*" } else { "" });
        }
        offer
    }

    fn named(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().zip(self.chosen).filter_map(|(name, chosen)| chosen.then_some(name))
    }

    /// The line of an entry, without its end.
    pub(super) fn line(self, entry: &Entry, name: &str) -> String {
        let mut line = String::new();
        for fact in self.named() {
            // Writing to a string cannot fail.
            let _ = match fact {
                "type" => write!(line, "type={};", if entry.is_directory { "dir" } else { "file" }),
                "size" if entry.is_directory => Ok(()),
                "size" => write!(line, "size={};", entry.length),
                "modify" => write!(line, "modify={};", stamp(entry.modified)),
                _ => write!(line, "perm={};", if entry.is_directory { "el" } else { "r" }),
            };
        }
        line + " " + name
    }
}

/// The line of `ls -l`, without its end. Nothing says how programs read it, but this form they do.
pub(super) fn long(entry: &Entry, now: SystemTime) -> String {
    const HALF_A_YEAR: u64 = 182 * 86_400;
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = Date::of(entry.modified);
    let month = MONTHS.get(usize::from(date.month) - 1).copied().unwrap_or("Jan");
    let is_recent = now.duration_since(entry.modified).is_ok_and(|age| age.as_secs() < HALF_A_YEAR);
    let when = match is_recent {
        true => format!("{:02}:{:02}", date.hour, date.minute),
        false => format!("{:>5}", date.year),
    };
    let (mode, length) = if entry.is_directory { ("drwxr-xr-x", 0) } else { ("-rw-r--r--", entry.length) };
    format!("{mode} 1 ftp ftp {length:>12} {month} {:>2} {when} {}", date.day, entry.name)
}

/// A time as MDTM and facts have it: `YYYYMMDDHHMMSS`, UTC (RFC 3659 2.3).
pub(super) fn stamp(time: SystemTime) -> String {
    let Date { year, month, day, hour, minute, second } = Date::of(time);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

struct Date {
    year: u64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Date {
    /// The date of UTC in the Gregorian calendar; what is before 1970 is its beginning.
    fn of(time: SystemTime) -> Date {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        // Every 400 years the calendar begins anew.
        const ERA: u64 = 146_097;
        let mut days = seconds / 86_400;
        let mut year = 1970 + days / ERA * 400;
        days %= ERA;
        while days >= 365 + u64::from(is_leap(year)) {
            days -= 365 + u64::from(is_leap(year));
            year += 1;
        }
        let february = 28 + u64::from(is_leap(year));
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        // None of them is 60 or more.
        let part = |number: u64| u8::try_from(number).unwrap_or_default();
        Date {
            year,
            month,
            day: part(days + 1),
            hour: part(seconds / 3600 % 24),
            minute: part(seconds / 60 % 60),
            second: part(seconds % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, stamped) in [
            (0, "19700101000000"),
            (951_782_400, "20000229000000"),
            (951_868_799, "20000229235959"),
            (951_868_800, "20000301000000"),
            (1_735_689_599, "20241231235959"),
            (4_107_542_400, "21000301000000"),
            (12_622_780_800, "23700101000000"),
        ] {
            assert_eq!(stamp(at(seconds)), stamped);
        }
        assert_eq!(stamp(UNIX_EPOCH - Duration::from_secs(1)), "19700101000000");
    }

    #[test]
    fn entries_are_told_to_machines_and_to_people() {
        let file = Entry { name: "a b".into(), is_directory: false, length: 7, modified: at(951_782_400) };
        let directory = Entry { name: "d".into(), is_directory: true, ..file.clone() };
        assert_eq!(Facts::default().line(&file, "a b"), "type=file;size=7;modify=20000229000000;perm=r; a b");
        assert_eq!(Facts::default().line(&directory, "d"), "type=dir;modify=20000229000000;perm=el; d");
        let chosen = Facts::chosen("SIZE;unix.mode;type;");
        assert_eq!(
            (chosen.names(), chosen.offer()),
            ("type;size;".into(), "type*;size*;modify;perm;".into())
        );
        assert_eq!(chosen.line(&file, "/x"), "type=file;size=7; /x");
        assert_eq!(Facts::chosen("").line(&file, "x"), " x");
        assert_eq!(long(&file, at(951_782_460)), "-rw-r--r-- 1 ftp ftp            7 Feb 29 00:00 a b");
        assert_eq!(long(&directory, at(1_000_000_000)), "drwxr-xr-x 1 ftp ftp            0 Feb 29  2000 d");
    }
}
