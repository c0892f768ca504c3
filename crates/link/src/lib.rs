//! How frames leave the process: memory, lan, tap, captures and impairments.
