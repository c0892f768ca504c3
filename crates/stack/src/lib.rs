//! One host: interfaces, neighbours, routes, IP, ICMP, UDP and TCP.
