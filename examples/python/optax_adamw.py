"""The same with optax.adamw, by npz: export the vectors, run optax on them, check the results.

    pip install . numpy optax
    python examples/python/optax_adamw.py
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import optax

FORMULA = "adamw"

jax.config.update("jax_enable_x64", True)


def run(case, params, gradients, start):
    """The parameters and moments after every step."""
    hyper = case["hyperparameters"]
    optimizer = optax.adamw(
        hyper["lr"], b1=hyper["beta1"], b2=hyper["beta2"], eps=hyper["eps"], weight_decay=hyper["weight_decay"]
    )
    state = optimizer.init(params)
    if start:
        moments = {"mu": [s["m"] for s in start], "nu": [s["v"] for s in start]}
        state = (state[0]._replace(count=np.int32(start[0]["step"]), **moments), *state[1:])
    update = jax.jit(optimizer.update)
    steps = []
    for step in gradients:
        updates, state = update(step, state, params)
        params = optax.apply_updates(params, updates)
        steps.append({"params": params, "m": state[0].mu, "v": state[0].nu})
    return steps


def numbered(arrays, prefix):
    """The arrays `prefix/0`, `prefix/1` and so on; none where one is missing."""
    found = []
    while f"{prefix}/{len(found)}" in arrays:
        found.append(arrays[f"{prefix}/{len(found)}"])
    return found


def results(arrays):
    """What optax gives for every case under the default conventions that it can be asked."""
    found = {}
    for name in [name for name in arrays if name.endswith("#case")]:
        identity = name.removesuffix("#case")
        case = json.loads(str(arrays[name]))
        # a rate for every step is a schedule in optax, and every tensor has a gradient in every step
        if case["result"] == "invalid" or case["conventions"] or "lr" not in case["hyperparameters"]:
            continue
        params = numbered(arrays, f"{identity}#input/params")
        gradients, step = [], 0
        while any(f"{identity}#input/gradients/{step}/{i}" in arrays for i in range(len(params))):
            gradients.append(numbered(arrays, f"{identity}#input/gradients/{step}"))
            step += 1
        if any(len(of_step) != len(params) for of_step in gradients):
            continue
        places = [f"{identity}#input/state/{i}" for i in range(len(params))]
        places = [place for place in places if f"{place}/step" in arrays]
        start = [{name: arrays[f"{place}/{name}"] for name in ("step", "m", "v")} for place in places]
        # optax counts the steps of all tensors together
        if len({int(state["step"]) for state in start}) > 1:
            continue
        steps = run(case, params, gradients, start)
        for at, k in enumerate(case.get("kept", range(1, len(steps) + 1))):
            for field, tensors in steps[k - 1].items():
                for i, tensor in enumerate(tensors):
                    found[f"{identity}#output/steps/{at}/{field}/{i}"] = np.asarray(tensor)
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        vectors, path = Path(folder) / "vectors.npz", Path(folder) / "results.npz"
        export = ["gradproof", "vectors", "export", FORMULA, "--format", "npz", "--out", str(vectors)]
        subprocess.run(export, check=True)
        np.savez(path, **results(np.load(vectors)))
        return subprocess.run(["gradproof", "check", FORMULA, str(path)]).returncode


if __name__ == "__main__":
    sys.exit(main())
