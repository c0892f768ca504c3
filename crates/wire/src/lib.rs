//! Bytes to meaning and back: Ethernet, ARP, IPv4, ICMP, UDP and TCP formats.
