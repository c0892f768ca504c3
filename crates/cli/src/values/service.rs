//! A service and where it listens: `talk@9528`.

use std::fmt;
use std::str::FromStr;

use services::Named;

use super::port;
use crate::nearest::suggestion;

/// One service on one port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// The service.
    pub(crate) service: Named,
    /// Its port; 0 takes any that is free.
    pub(crate) port: u16,
}

impl FromStr for Placed {
    type Err = String;

    fn from_str(text: &str) -> Result<Placed, String> {
        let (name, port) = match text.split_once('@') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        let Some(service) = Named::find(name) else {
            let names: Vec<&str> = Named::ALL.iter().map(|named| named.card().name).collect();
            let near = suggestion(name, names.iter().copied());
            return Err(format!("there is no service {name:?}; services are {}{near}", names.join(", ")));
        };
        let port = port.map_or(Ok(service.card().port), port::parse_or_any)?;
        Ok(Placed { service, port })
    }
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.service.card().name, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_with_and_without_its_port() {
        for (text, full) in
            [("talk", "talk@9528"), ("echo@7777", "echo@7777"), ("echo", "echo@8002"), ("talk@0", "talk@0")]
        {
            assert_eq!(text.parse::<Placed>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn a_wrong_one_is_refused_in_one_line_that_names_the_valid() {
        assert_eq!(
            "talc@9528".parse::<Placed>().unwrap_err(),
            "there is no service \"talc\"; services are talk, echo, http, ftp; did you mean \"talk\"?"
        );
        assert_eq!(
            "ldap".parse::<Placed>().unwrap_err(),
            "there is no service \"ldap\"; services are talk, echo, http, ftp"
        );
        assert!("talk@".parse::<Placed>().unwrap_err().contains("not a port"));
        assert!("talk@70000".parse::<Placed>().unwrap_err().contains("out of range"));
        assert!("".parse::<Placed>().is_err());
    }
}
