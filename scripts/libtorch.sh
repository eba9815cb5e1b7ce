# libtorch 2.11.0 for the feature `torch`. Source it from the repository's root, in bash or sh:
#
#     . scripts/libtorch.sh
#
# It installs PyTorch 2.11.0 into a virtual environment (about 5 GB, once) and tells cargo and the
# dynamic linker where it is. GRADPROOF_LIBTORCH names another place for the environment.

gradproof_libtorch() {
    gradproof_home=${GRADPROOF_LIBTORCH:-$PWD/target/libtorch}
    gradproof_python=$gradproof_home/bin/python
    if [ ! -f scripts/libtorch.sh ]; then
        echo "libtorch.sh: source this from the root of the repository" >&2
        return 1
    fi
    if ! "$gradproof_python" -c 'import torch; assert torch.__version__.split("+")[0] == "2.11.0"' 2>/dev/null; then
        if ! command -v python3 >/dev/null; then
            echo "libtorch.sh: python3 is needed to install PyTorch 2.11.0" >&2
            return 1
        fi
        echo "libtorch.sh: installing PyTorch 2.11.0 into $gradproof_home" >&2
        if ! python3 -m venv "$gradproof_home"; then
            echo "libtorch.sh: no virtual environment; on Debian: apt-get install python3-venv" >&2
            return 1
        fi
        # the build of the bindings asks PyTorch's paths with setuptools, and without numpy PyTorch warns
        "$gradproof_python" -m pip install --quiet --disable-pip-version-check torch==2.11.0 setuptools numpy || return 1
    fi
    gradproof_libraries=$("$gradproof_python" -c 'import os, torch; print(os.path.dirname(torch.__file__) + "/lib")') ||
        return 1
    export LIBTORCH_USE_PYTORCH=1
    export VIRTUAL_ENV="$gradproof_home"
    export PATH="$gradproof_home/bin:$PATH"
    export LD_LIBRARY_PATH="$gradproof_libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
gradproof_libtorch
