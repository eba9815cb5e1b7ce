"""Holds torch.optim.AdamW and torch.nn.functional.cross_entropy to the golden vectors.

The vectors are read with nothing but the standard library and numpy, and every number is held to the budget that
the file gives for it: how far from the right value a correct implementation in f64 may be.

    pip install numpy pytest torch
    pytest examples/python/test_vectors.py
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
NAMES = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


def array(numbers):
    """Numbers, of which the special ones are words, as an array of f64."""
    if isinstance(numbers, list):
        return np.array([array(x) for x in numbers], dtype=np.float64)
    return np.float64(NAMES.get(numbers, numbers))


def cases(formula, result="valid"):
    """The cases of a formula under its default conventions, each with its whole input."""
    file = json.loads((VECTORS / f"{formula}.json").read_text())
    assert file["format"] == 1
    return [
        pytest.param(case, {**group["hyperparameters"], **case["input"]}, id=case["id"])
        for group in file["groups"]
        for case in group["cases"]
        if case["result"] == result and not group["conventions"]
    ]


def hold(case, name, found, right):
    """Every number is within the budget, and where nothing is promised anything goes."""
    budget = case["budget"][name]
    if budget is not None:
        found, right = array(found), array(right)
        assert found.shape == right.shape
        off = np.abs(found - right)
        worst = np.unravel_index(np.argmax(off), off.shape) if off.size else ()
        message = f"{name}{[int(i) for i in worst]} is off by {np.max(off, initial=0.0)}, allowed is {budget}"
        assert np.all(off <= budget), f"{message}; flags: {case['flags']}"


@pytest.mark.parametrize("case, x", cases("cross-entropy"))
def test_cross_entropy(case, x):
    logits = torch.tensor(array(x["logits"]), requires_grad=True)
    targets = torch.tensor(x["targets"])
    options = {name: x[name] for name in ("ignore_index", "reduction", "label_smoothing")}
    loss = torch.nn.functional.cross_entropy(logits, targets, **options)
    # of "none", each row has the gradient of its own loss
    loss.sum().backward()
    hold(case, "loss", loss.tolist(), case["output"]["loss"])
    hold(case, "gradient", logits.grad.tolist(), case["output"]["gradient"])


@pytest.mark.parametrize("case, x", cases("adamw"))
def test_adamw(case, x):
    params = [torch.nn.Parameter(torch.tensor(array(p))) for p in x["params"]]
    optimizer = torch.optim.AdamW(
        params, lr=0.0, betas=(x["beta1"], x["beta2"]), eps=x["eps"], weight_decay=x["weight_decay"]
    )
    # a run that goes on from a checkpoint
    for param, state in zip(params, x.get("state", [])):
        moments = {"exp_avg": torch.tensor(array(state["m"])), "exp_avg_sq": torch.tensor(array(state["v"]))}
        optimizer.state[param] = {"step": torch.tensor(float(state["step"])), **moments}
    rates = x["lr"] if isinstance(x["lr"], list) else [x["lr"]] * len(x["gradients"])
    kept = case.get("kept", range(1, len(rates) + 1))
    right = dict(zip(kept, case["output"]["steps"]))
    for step, (rate, gradients) in enumerate(zip(rates, x["gradients"]), 1):
        for param, gradient in zip(params, gradients):
            param.grad = None if gradient is None else torch.tensor(array(gradient))
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        if step not in right:
            continue
        for i, param in enumerate(params):
            hold(case, "params", param.tolist(), right[step]["params"][i])
            state = optimizer.state.get(param)
            if state:
                hold(case, "m", state["exp_avg"].tolist(), right[step]["m"][i])
                hold(case, "v", state["exp_avg_sq"].tolist(), right[step]["v"][i])


def test_a_wrong_step_fails():
    """The control: AdamW with a hundredth of its decay is no AdamW."""
    case, x = cases("adamw")[0].values
    with pytest.raises(AssertionError):
        test_adamw(case, {**x, "weight_decay": x["weight_decay"] / 100})
