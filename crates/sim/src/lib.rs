//! Many hosts on impaired cables in virtual time.
