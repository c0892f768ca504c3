#!/usr/bin/env bash
# Builds the page into web/dist, or into the folder that is given: the lab as WebAssembly, then the bundle around it.
# Needs Node.js with `npm ci` done in web/, and `rustup target add wasm32-unknown-unknown`.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-dist}

# No path of this machine may stand in the module.
root=$(cd .. && pwd)
sysroot=$(rustc --print sysroot)
export RUSTFLAGS="--remap-path-prefix=$root=/netstrata --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$sysroot=/rust"
# A folder of its own, so that these flags do not make everything else be built anew.
target=${CARGO_TARGET_DIR:-$root/target}/page
CARGO_TARGET_DIR=$target cargo build --quiet --locked --profile page -p netstrata-lab-wasm --target wasm32-unknown-unknown

npx --no-install vite build --logLevel warn --emptyOutDir --outDir "$out"
cp "$target/wasm32-unknown-unknown/page/netstrata_lab_wasm.wasm" "$out/lab.wasm"
chmod 644 "$out"/*
