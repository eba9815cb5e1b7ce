"""Writes fixtures/audit: a training step of PyTorch's AdamW, small enough to be kept.

    python tests/python/make_audit_fixture.py fixtures/audit
"""

import pathlib
import sys

import torch
from test_audit import CONFIG, sharded, train

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, tensors in train(torch.float32, sizes=(13, 8, 1)).items():
    sharded(folder, name, tensors)
about = f"# The sixth step of a small transformer by torch.optim.AdamW, PyTorch {torch.__version__}.\n"
(folder / "step.toml").write_text(about + CONFIG)
