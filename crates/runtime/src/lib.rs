//! Drives a stack over its links in real time.
