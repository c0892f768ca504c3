//! Where an address of one's own comes from: `10.7.0.2/24`, or `dhcp`.

use std::str::FromStr;

use super::address::HostAddress;

/// What `--address` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnAddress {
    /// This one.
    Given(HostAddress),
    /// One that a DHCP server of the network gives.
    Leased,
}

impl OwnAddress {
    /// The address, if it is known.
    pub(crate) fn given(self) -> Option<HostAddress> {
        match self {
            OwnAddress::Given(address) => Some(address),
            OwnAddress::Leased => None,
        }
    }
}

impl FromStr for OwnAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<OwnAddress, String> {
        match text {
            "dhcp" => Ok(OwnAddress::Leased),
            _ => text.parse().map(OwnAddress::Given),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_or_asked_for() {
        assert_eq!("dhcp".parse(), Ok(OwnAddress::Leased));
        let given = "10.7.0.9/16".parse::<OwnAddress>().unwrap().given().unwrap();
        assert_eq!(given.to_string(), "10.7.0.9/16");
        assert!("DHCP".parse::<OwnAddress>().is_err());
    }
}
