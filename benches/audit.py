"""Times `gradproof audit` of an AdamW step of PyTorch beside `cat` of the same files from the page cache.

    python benches/audit.py COMMAND FOLDER DTYPE ELEMENTS

COMMAND is the built command, the files (7 numbers an element) go to FOLDER, and DTYPE is f64, f32, bf16 or f16.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

DTYPES = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
HYPER = {"lr": 1e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
TENSORS, STEP, RUNS = 4, 6, 5
NAMES = ["before", "after", "grads", "state-before", "state-after"]


def make(folder, dtype, elements):
    """Writes the files of the step."""
    torch.manual_seed(0)
    files = {name: {} for name in NAMES}
    size = elements // TENSORS
    # of gradients of 1e-3 f16 has no squares
    scale = 0.1 if dtype == torch.float16 else 1e-3
    for i in range(TENSORS):
        param = torch.nn.Parameter((torch.randn(size) * 0.02).to(dtype))
        param.grad = (torch.randn(size) * scale).to(dtype)
        m, v = (torch.randn(size) * scale).to(dtype), ((torch.rand(size) + 0.01) * scale**2).to(dtype)
        optimizer = torch.optim.AdamW([param], **HYPER, foreach=False)
        optimizer.state[param] = {"step": torch.tensor(STEP - 1.0), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
        files["before"][f"w{i}"], files["grads"][f"w{i}"] = param.detach().clone(), param.grad
        files["state-before"] |= {f"w{i}.exp_avg": m, f"w{i}.exp_avg_sq": v}
        optimizer.step()
        files["after"][f"w{i}"] = param.detach()
        files["state-after"] |= {f"w{i}.{name}": optimizer.state[param][name] for name in ("exp_avg", "exp_avg_sq")}
    for name, tensors in files.items():
        save_file(tensors, folder / f"{name}.safetensors")


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(command, folder, dtype, elements):
    folder, elements = Path(folder), int(float(elements))
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, DTYPES[dtype], elements)
    files = {name: str(folder / f"{name}.safetensors") for name in NAMES}
    audit = [command, "audit", "--optimizer", "adamw", "--step", str(STEP), "--lr", "1e-3", "--beta1", "0.9"]
    audit += ["--beta2", "0.95", "--eps", "1e-8", "--weight-decay", "0.1"]
    audit += [argument for name, file in files.items() for argument in (f"--{name}", file)]
    # the first run brings the files into the page cache
    seconds(["cat", *files.values()])
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        cat = seconds(["cat", *files.values()])
        between = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = seconds(audit)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        user, system = after.ru_utime - between.ru_utime, after.ru_stime - between.ru_stime
        print(
            f"{dtype}: audit {took * 1e9 / elements:.1f} ns an element, on a processor {user * 1e9 / elements:.1f} ns "
            f"and {system * 1e9 / elements:.1f} ns in the kernel; cat {cat * 1e9 / elements:.1f} ns"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
