//! Commands, read from lines.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A command of RFC 959, 2228, 2389, 2428, 3659 or 4217 that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    User(String),
    Pass,
    Auth(String),
    Pbsz,
    Prot(String),
    Quit,
    Noop,
    Syst,
    Feat,
    Help,
    Opts(String),
    Type(Kind),
    Pwd,
    Cwd(String),
    Cdup,
    Pasv,
    /// The protocol's number, if one was named.
    Epsv(Option<u8>),
    EpsvAll,
    /// PORT or EPRT: where the caller listens.
    Active(SocketAddr),
    Rest(u64),
    Retr(String),
    Size(String),
    Mdtm(String),
    List(Option<String>),
    Nlst(Option<String>),
    Mlsd(Option<String>),
    Mlst(Option<String>),
    Stat,
    Abor,
    /// What asks for nothing that is not so already: MODE S, STRU F, ALLO.
    Granted,
    /// What would change files.
    Writing,
}

/// How files are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines end with CR LF.
    Text,
    /// As they are.
    Binary,
}

/// Why a line is no command: a reply's code and text.
pub(super) type Refusal = (u16, &'static str);

const NOT_UNDERSTOOD: Refusal = (501, "This argument is not understood.");

impl Command {
    /// Reads a line.
    pub(super) fn parse(line: &str) -> Result<Command, Refusal> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let path = || match argument {
            "" => Err((501, "This command needs a name.")),
            path => Ok(path.to_owned()),
        };
        // Programs add the options of `ls`.
        let listed = || {
            let path = argument.trim_start();
            let path =
                if path.starts_with('-') { path.split_once(' ').map_or("", |(_, rest)| rest) } else { path };
            Some(path.to_owned()).filter(|path| !path.is_empty())
        };
        Ok(match verb.to_ascii_uppercase().as_str() {
            "USER" => Command::User(path()?),
            "PASS" => Command::Pass,
            "AUTH" => Command::Auth(argument.to_ascii_uppercase()),
            "PBSZ" => Command::Pbsz,
            "PROT" => Command::Prot(argument.to_ascii_uppercase()),
            "QUIT" => Command::Quit,
            "NOOP" => Command::Noop,
            "SYST" => Command::Syst,
            "FEAT" => Command::Feat,
            "HELP" => Command::Help,
            "OPTS" => Command::Opts(path()?),
            "TYPE" => match argument.to_ascii_uppercase().as_str() {
                "A" | "A N" => Command::Type(Kind::Text),
                "I" | "L 8" => Command::Type(Kind::Binary),
                _ => return Err((504, "Files are given as text (A) or as they are (I).")),
            },
            "MODE" if argument.eq_ignore_ascii_case("S") => Command::Granted,
            "STRU" if argument.eq_ignore_ascii_case("F") => Command::Granted,
            "MODE" | "STRU" => return Err((504, "Files are given as streams of bytes.")),
            "ALLO" => Command::Granted,
            "PWD" | "XPWD" => Command::Pwd,
            "CWD" | "XCWD" => Command::Cwd(path()?),
            "CDUP" | "XCUP" => Command::Cdup,
            "PASV" => Command::Pasv,
            "EPSV" if argument.eq_ignore_ascii_case("ALL") => Command::EpsvAll,
            "EPSV" if argument.is_empty() => Command::Epsv(None),
            "EPSV" => Command::Epsv(Some(argument.parse().map_err(|_| NOT_UNDERSTOOD)?)),
            "PORT" => Command::Active(port(argument).ok_or(NOT_UNDERSTOOD)?),
            "EPRT" => Command::Active(extended_port(argument)?),
            "REST" => Command::Rest(number(argument).ok_or(NOT_UNDERSTOOD)?),
            "RETR" => Command::Retr(path()?),
            "SIZE" => Command::Size(path()?),
            "MDTM" => Command::Mdtm(path()?),
            "LIST" => Command::List(listed()),
            "NLST" => Command::Nlst(listed()),
            "MLSD" => Command::Mlsd(path().ok()),
            "MLST" => Command::Mlst(path().ok()),
            "STAT" => Command::Stat,
            "ABOR" => Command::Abor,
            "STOR" | "STOU" | "APPE" | "DELE" | "RMD" | "XRMD" | "MKD" | "XMKD" | "RNFR" | "RNTO"
            | "SITE" | "MFMT" => Command::Writing,
            "ACCT" | "SMNT" | "REIN" | "CCC" | "ADAT" | "MIC" | "CONF" | "ENC" | "HOST" | "LANG" => {
                return Err((502, "This command is not offered."));
            }
            _ => return Err((500, "This command is not known.")),
        })
    }
}

fn number(text: &str) -> Option<u64> {
    // `parse` takes a sign as well.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The argument of PORT: four numbers of an address and two of a port (RFC 959 4.1.2).
fn port(text: &str) -> Option<SocketAddr> {
    let numbers: Vec<u8> = text.split(',').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [a, b, c, d, high, low] = numbers.try_into().ok()?;
    Some(SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low]))))
}

/// The argument of EPRT: `|1|132.235.1.2|6275|` (RFC 2428 2).
fn extended_port(text: &str) -> Result<SocketAddr, Refusal> {
    let mark = text.chars().next().filter(char::is_ascii_graphic).ok_or(NOT_UNDERSTOOD)?;
    let parts: Vec<&str> = text.split(mark).collect();
    let ["", family, address, port, ""] = parts.as_slice() else { return Err(NOT_UNDERSTOOD) };
    let port = port.parse().map_err(|_| NOT_UNDERSTOOD)?;
    let address: IpAddr = match *family {
        "1" => address.parse::<Ipv4Addr>().map_err(|_| NOT_UNDERSTOOD)?.into(),
        "2" => address.parse::<std::net::Ipv6Addr>().map_err(|_| NOT_UNDERSTOOD)?.into(),
        _ => return Err((522, "This family is not supported, use (1,2).")),
    };
    Ok(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_whatever_their_case() {
        for (line, command) in [
            ("user anonymous", Command::User("anonymous".into())),
            ("Retr  two spaces ", Command::Retr(" two spaces ".into())),
            ("LIST", Command::List(None)),
            ("LIST -la", Command::List(None)),
            ("LIST -a sub dir", Command::List(Some("sub dir".into()))),
            ("EPSV all", Command::EpsvAll),
            ("EPSV 2", Command::Epsv(Some(2))),
            ("PORT 10,7,0,2,31,144", Command::Active("10.7.0.2:8080".parse().unwrap())),
            ("EPRT |2|fd07::2|8080|", Command::Active("[fd07::2]:8080".parse().unwrap())),
            ("REST 0", Command::Rest(0)),
            ("TYPE L 8", Command::Type(Kind::Binary)),
        ] {
            assert_eq!(Command::parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_why() {
        for (line, code) in [
            ("", 500),
            ("XYZZY", 500),
            ("RETR", 501),
            ("PORT 1,2,3,4,5", 501),
            ("PORT 256,2,3,4,5,6", 501),
            ("EPRT |3|x|1|", 522),
            ("EPRT |1|fd07::2|1|", 501),
            ("EPRT", 501),
            ("REST -1", 501),
            ("REST +1", 501),
            ("REST 99999999999999999999", 501),
            ("EPSV 300", 501),
            ("TYPE E", 504),
            ("MODE Z", 504),
            ("CCC", 502),
        ] {
            assert_eq!(Command::parse(line).unwrap_err().0, code, "{line}");
        }
    }
}
