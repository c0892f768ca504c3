//! Pacing will live here, for the congestion controls that ask for it.
