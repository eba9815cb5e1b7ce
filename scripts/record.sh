#!/bin/sh
# Makes every recording of one device, in one call, with a table at the end:
#
#     sh scripts/record.sh cpu fixtures/torch
#     sh scripts/record.sh cuda:0 OUT [CASES]
#
# It needs the program (target/release/gradproof, or the one that GRADPROOF names), built with
#
#     cargo build --release --features torch
#
# and a python3 with PyTorch 2.11.0, whose libraries the program runs on. The program can be built on
# another machine against the same PyTorch and carried over as one file: no Rust is needed where it runs.
# On a GPU, f32 is recorded with TF32 off and on.
set -eu

device=${1:?the device, such as cpu or cuda:0}
out=${2:?the folder for the recordings}
cases=${3:-10000}
program=${GRADPROOF:-target/release/gradproof}

version=$(python3 -c 'import torch; print(torch.__version__.split("+")[0])') || {
    echo "record.sh: python3 has no PyTorch" >&2
    exit 2
}
if [ "$version" != 2.11.0 ]; then
    echo "record.sh: PyTorch is $version, and the program is built for 2.11.0" >&2
    exit 2
fi
libraries=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
# beside the wheel's own libraries those of the nvidia packages, which it finds by itself
LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
mkdir -p "$out"

status=0
record() {
    echo "== $device $*"
    "$program" record --device "$device" --cases "$cases" --out "$out" "$@" || status=$?
}
export TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=0
for dtype in f64 f32 bf16 f16; do
    record --dtype "$dtype"
done
if [ "$device" != cpu ]; then
    export TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1
    record --dtype f32 --tf32
fi
ls -l "$out"
exit "$status"
