"""The whole way round: export the vectors, run torch.optim.AdamW on them, check the results.

    pip install . numpy torch
    python examples/python/torch_adamw.py
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

FORMULA = "adamw"
MOMENTS = {"exp_avg": "m", "exp_avg_sq": "v"}


def run(x):
    """The parameters and moments after every step."""
    params = [torch.nn.Parameter(torch.tensor(p, dtype=torch.float64)) for p in x["params"]]
    optimizer = torch.optim.AdamW(
        params, lr=0.0, betas=(x["beta1"], x["beta2"]), eps=x["eps"], weight_decay=x["weight_decay"]
    )
    for param, state in zip(params, x.get("state", [])):
        moments = {theirs: torch.tensor(state[ours], dtype=torch.float64) for theirs, ours in MOMENTS.items()}
        optimizer.state[param] = {"step": torch.tensor(float(state["step"])), **moments}
    rates = x["lr"] if isinstance(x["lr"], list) else [x["lr"]] * len(x["gradients"])
    steps = []
    for rate, gradients in zip(rates, x["gradients"]):
        for param, gradient in zip(params, gradients):
            param.grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        state = [optimizer.state.get(param, {}) for param in params]
        zeros = [torch.zeros_like(param) for param in params]
        moments = {
            ours: [s.get(theirs, zero).tolist() for s, zero in zip(state, zeros)] for theirs, ours in MOMENTS.items()
        }
        steps.append({"params": [param.tolist() for param in params], **moments})
    return steps


def results(file):
    """What torch gives for every case under the default conventions, and under those that are left open."""
    found = {}
    for group in file["groups"]:
        for case in group["cases"]:
            if group["conventions"] or case["result"] == "invalid":
                continue
            steps = run({**group["hyperparameters"], **case["input"]})
            found[case["id"]] = {"steps": [steps[k - 1] for k in case.get("kept", range(1, len(steps) + 1))]}
    return found


def main():
    exported = subprocess.run(["gradproof", "vectors", "export", FORMULA], check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        path.write_text(json.dumps(results(json.loads(exported.stdout))))
        return subprocess.run(["gradproof", "check", FORMULA, str(path)]).returncode


if __name__ == "__main__":
    sys.exit(main())
