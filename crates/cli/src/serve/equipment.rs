//! What services need of the file system, opened before anything is joined.

use std::path::Path;
use std::sync::Arc;

use services::{Equipment, Stop, Tree};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::arguments::ServeArguments;
use crate::failure::Failure;
use crate::values::ports::Ports;

/// All of it.
pub(crate) fn gather(arguments: &ServeArguments, stop: Stop) -> Result<Equipment, Failure> {
    check(arguments)?;
    let tls = match (&arguments.certificate, &arguments.key) {
        (Some(certificate), Some(key)) => Some(tls(certificate, key)?),
        _ => None,
    };
    let data_ports = arguments.data_ports().unwrap_or(Ports::DATA).range();
    Ok(Equipment { tree: tree(arguments)?, data_ports, tls, stop })
}

/// Refuses what is for `ftp` alone where there is none.
fn check(arguments: &ServeArguments) -> Result<(), Failure> {
    let given = if arguments.data_ports.is_some() {
        "--data-ports"
    } else if arguments.certificate.is_some() {
        "--certificate and --key"
    } else {
        return Ok(());
    };
    if arguments.data_ports().is_some() {
        return Ok(());
    }
    let cause = format!("{given} are for callers of ftp, which is no service here");
    Err(Failure::usage(cause, "add --service ftp, or leave them away"))
}

/// TLS with the certificates of a file, the server's own first.
fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let unusable = |file: &Path, error: &dyn std::fmt::Display| {
        let cause = format!("{} cannot be used for TLS: {error}", file.display());
        Failure::usage(cause, "give PEM files that belong together: --certificate FILE --key FILE")
    };
    let certificates = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(certificate, &error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, secret))
        .map(Arc::new)
        .map_err(|error| unusable(certificate, &error))
}

/// The files to give, if a service gives any.
fn tree(arguments: &ServeArguments) -> Result<Option<Tree>, Failure> {
    let giver = arguments.services.iter().find(|placed| placed.service.gives_files());
    match (&arguments.root, giver) {
        (None, None) => Ok(None),
        (None, Some(giver)) => {
            let cause = format!("{giver} gives files, and none are named");
            Err(Failure::usage(cause, "name their directory with --root DIRECTORY"))
        }
        (Some(root), None) => {
            let cause = format!("the files of {} are given by no service", root.display());
            Err(Failure::usage(cause, "add one with --service http"))
        }
        (Some(root), Some(_)) => Tree::open(root).map(Some).map_err(|error| {
            let cause = format!("the files of {} cannot be given: {error}", root.display());
            Failure::usage(cause, "give --root a directory that this user may read")
        }),
    }
}
