# libtorch 2.11.0 for the feature `torch`. Source it from the repository's root, in bash or sh:
#
#     . scripts/libtorch.sh
#
# It installs PyTorch 2.11.0 into a virtual environment (about 5 GB, once) and tells cargo and the
# dynamic linker where it is. GRADPROOF_LIBTORCH names another place for the environment.

gradproof_libtorch() {
    version=2.11.0
    home=${GRADPROOF_LIBTORCH:-$PWD/target/libtorch}
    if [ ! -f Cargo.toml ] || [ ! -f scripts/libtorch.sh ]; then
        echo "libtorch.sh: source this from the root of the repository" >&2
        return 1
    fi
    installed=$("$home/bin/python" -c 'import torch; print(torch.__version__.split("+")[0])' 2>/dev/null)
    if [ "$installed" != "$version" ]; then
        if ! command -v python3 >/dev/null; then
            echo "libtorch.sh: python3 is needed to install PyTorch $version" >&2
            return 1
        fi
        echo "libtorch.sh: installing PyTorch $version into $home" >&2
        if ! python3 -m venv "$home"; then
            echo "libtorch.sh: no virtual environment; on Debian: apt-get install python3-venv" >&2
            return 1
        fi
        # setuptools is what the build of the bindings asks PyTorch's paths with
        "$home/bin/python" -m pip install --quiet --disable-pip-version-check "torch==$version" setuptools || return 1
    fi
    libraries=$("$home/bin/python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))') ||
        return 1
    export LIBTORCH_USE_PYTORCH=1
    export VIRTUAL_ENV="$home"
    export PATH="$home/bin:$PATH"
    export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
gradproof_libtorch
