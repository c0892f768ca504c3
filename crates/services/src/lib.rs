//! Talk and echo over any byte stream, ours or the operating system's.
