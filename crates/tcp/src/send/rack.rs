//! RACK-TLP (RFC 8985) will live here: loss by time instead of by count, on the scoreboard of `in_flight`.
