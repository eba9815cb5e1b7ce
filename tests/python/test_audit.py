"""A real training step of PyTorch's AdamW, audited from its files: clean, and broken in several ways.

Run with pytest. GRADPROOF names the command, `gradproof` by default.
"""

import json
import os
import subprocess

import pytest
import torch
from safetensors.torch import save_file

COMMAND = os.environ.get("GRADPROOF", "gradproof")
STEPS = 6
LR, BETAS, EPS, DECAY = 3e-4, (0.9, 0.95), 1e-8, 0.1


class Transformer(torch.nn.Module):
    """Layers of attention over a vocabulary."""

    def __init__(self, words=211, width=48, layers=2):
        super().__init__()
        self.embedding = torch.nn.Embedding(words, width)
        layer = torch.nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True)
        self.layers = torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = torch.nn.Linear(width, words)

    def forward(self, tokens):
        return self.head(self.layers(self.embedding(tokens)))


def kind(name):
    if name.startswith("embedding"):
        return "embedding"
    return "plain" if "norm" in name or name.endswith("bias") else "matrix"


def grouped(model):
    """Three groups: the embedding with a rate of its own, matrices, and what is not decayed."""
    of = lambda wanted: [p for name, p in model.named_parameters() if kind(name) == wanted]
    return [
        {"params": of("embedding"), "lr": 4 * LR},
        {"params": of("matrix")},
        {"params": of("plain"), "weight_decay": 0.0},
    ]


def sharded(folder, name, tensors):
    """Writes tensors in two shards with their index, as transformers does."""
    names = sorted(tensors)
    weight_map = {}
    for i, part in enumerate([names[::2], names[1::2]]):
        shard = f"{name}-{i + 1:05}-of-00002.safetensors"
        save_file({n: tensors[n].contiguous() for n in part}, folder / shard, metadata={"format": "pt"})
        weight_map.update({n: shard for n in part})
    index = folder / f"{name}.safetensors.index.json"
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index.write_text(json.dumps({"metadata": {"total_size": size}, "weight_map": weight_map}))
    return index


def state_of(model, optimizer):
    state = {}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            state[f"{name}.{key}"] = value.detach().clone()
    return state


def train(dtype, change=lambda optimizer, step: None, eps=EPS, sizes=(211, 48, 2), **options):
    """Six steps of training; the files' contents around the last."""
    torch.manual_seed(7)
    model = Transformer(*sizes).to(dtype)
    optimizer = torch.optim.AdamW(grouped(model), lr=LR, betas=BETAS, eps=eps, weight_decay=DECAY, **options)
    tokens = torch.randint(0, sizes[0], (8, 17))
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        logits = model(tokens[:, :-1])
        torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten()).backward()
        if step == STEPS:
            copied = lambda: {n: p.detach().clone() for n, p in model.named_parameters()}
            files = {"before": copied(), "state-before": state_of(model, optimizer)}
            files["grads"] = {n: p.grad.clone() for n, p in model.named_parameters()}
            change(optimizer, step)
        optimizer.step()
    files.update({"after": copied(), "state-after": state_of(model, optimizer)})
    return files


CONFIG = f"""
optimizer = "adamw"
step = {STEPS}
lr = {LR}
beta1 = {BETAS[0]}
beta2 = {BETAS[1]}
eps = {EPS}
weight_decay = {DECAY}
before = "before.safetensors.index.json"
after = "after.safetensors.index.json"
grads = "grads.safetensors.index.json"
state_before = "state-before.safetensors.index.json"
state_after = "state-after.safetensors.index.json"
no_decay = ["*norm*", "*bias"]

[[groups]]
tensors = ["embedding.*"]
lr = {4 * LR}
"""


def audit(folder, files, config=CONFIG, arguments=()):
    for name, tensors in files.items():
        sharded(folder, name, tensors)
    (folder / "audit.toml").write_text(config)
    call = [COMMAND, "audit", "--config", str(folder / "audit.toml"), "--format", "json", *arguments]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    differs = {t["name"]: t["diagnosis"] for t in report["tensors"] if t["verdict"] == "differs"}
    assert (done.returncode == 1) == bool(differs)
    return report, differs


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.float16])
@pytest.mark.parametrize("options", [{"foreach": False}, {"foreach": True}, {"fused": True}])
def test_a_step_of_pytorch_is_clean(tmp_path, dtype, options):
    # in f16 squares underflow and the usual ε is zero
    eps = 1e-3 if dtype == torch.float16 else EPS
    files = train(dtype, eps=eps, **options)
    report, differs = audit(tmp_path, files, CONFIG.replace(f"eps = {EPS}", f"eps = {eps}"))
    assert not differs
    assert all(t["verdict"] == "conforms" for t in report["tensors"])
    assert len(report["tensors"]) == len(list(Transformer().parameters()))
    assert max(t["worst"]["over_budget"] for t in report["tensors"]) > 0


def everywhere(**values):
    def change(optimizer, step):
        for group in optimizer.param_groups:
            group.update(values)

    return change


def test_another_beta2_is_named(tmp_path):
    _, differs = audit(tmp_path, train(torch.float32, everywhere(betas=(0.9, 0.99))))
    assert len(differs) > 20 and all("beta2 = 0.99" in d or "beta2 = 9.9000e-1" in d for d in differs.values()), differs


def test_a_decay_that_reaches_biases_is_named(tmp_path):
    def change(optimizer, step):
        optimizer.param_groups[2]["weight_decay"] = DECAY

    _, differs = audit(tmp_path, train(torch.float32, change))
    assert differs and all(kind(name) == "plain" for name in differs)
    assert all("weight_decay = 0.1" in d for d in differs.values()), differs


def test_a_rate_of_another_group_is_named(tmp_path):
    def change(optimizer, step):
        optimizer.param_groups[0]["lr"] = LR

    _, differs = audit(tmp_path, train(torch.float32, change))
    assert list(differs) == ["embedding.weight"]
    assert "lr = 0.0003" in differs["embedding.weight"], differs


def test_clipped_gradients_are_named(tmp_path):
    def change(optimizer, step):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad.mul_(0.37)

    _, differs = audit(tmp_path, train(torch.float32, change))
    assert len(differs) > 20 and all("gradient times 0.37" in d for d in differs.values()), differs


def test_a_step_counter_that_was_not_restored_is_named(tmp_path):
    def change(optimizer, step):
        for state in optimizer.state.values():
            state["step"].zero_()

    _, differs = audit(tmp_path, train(torch.float32, change))
    assert len(differs) > 20 and all("as if it were step 1" in d for d in differs.values()), differs


def test_a_tensor_that_was_not_written_back_is_named(tmp_path):
    files = train(torch.float32)
    files["after"]["head.weight"] = files["before"]["head.weight"].clone()
    _, differs = audit(tmp_path, files)
    assert list(differs) == ["head.weight"] and "never written back" in differs["head.weight"], differs


def test_a_flipped_bit_is_located(tmp_path):
    files = train(torch.float32)
    files["after"]["head.weight"].view(torch.int32)[100, 7] ^= 1 << 18
    report, differs = audit(tmp_path, files)
    assert list(differs) == ["head.weight"]
    tensor = next(t for t in report["tensors"] if t["name"] == "head.weight")
    assert tensor["differing"] == {"count": 1, "unexamined": 0}
    assert tensor["worst"]["index"] == 100 * 48 + 7 and tensor["worst"]["output"] == "params"


def test_coupled_decay_is_named(tmp_path):
    files = train(torch.float32)
    model = {n: p.clone().requires_grad_() for n, p in files["before"].items()}
    groups = [
        {"params": [p], "lr": 4 * LR if kind(n) == "embedding" else LR, "weight_decay": 0 if kind(n) == "plain" else DECAY}
        for n, p in model.items()
    ]
    coupled = torch.optim.Adam(groups, lr=LR, betas=BETAS, eps=EPS)
    for name, parameter in model.items():
        parameter.grad = files["grads"][name]
        kept = {key: files["state-before"][f"{name}.{key}"].clone() for key in ["step", "exp_avg", "exp_avg_sq"]}
        coupled.state[parameter] = kept
    coupled.step()
    files["after"] = {n: p.detach() for n, p in model.items()}
    files["state-after"] = {f"{n}.{key}": v for n, p in model.items() for key, v in coupled.state[p].items()}
    _, differs = audit(tmp_path, files)
    assert differs and all(kind(name) != "plain" for name in differs)
    assert all("decay-coupled" in d or "added to the gradient" in d for d in differs.values()), differs


def test_gradients_of_nan_are_counted_and_located(tmp_path):
    files = train(torch.float32)
    files["grads"]["head.bias"][3:5] = float("nan")
    report, _ = audit(tmp_path, files)
    tensor = next(t for t in report["tensors"] if t["name"] == "head.bias")
    assert tensor["not_judged"] == [{"what": "NaN or infinity in the gradient", "count": 2, "first": 3}]


def test_shares_join_to_the_whole(tmp_path):
    files = train(torch.float32)
    whole, _ = audit(tmp_path, files)
    parts = []
    for k in (1, 2, 3):
        report, _ = audit(tmp_path, files, arguments=["--partition", f"{k}/3"])
        parts.append(tmp_path / f"part-{k}.json")
        parts[-1].write_text(json.dumps(report))
    done = subprocess.run([COMMAND, "audit", "merge", "--format", "json", *map(str, parts)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tensors"] == whole["tensors"]
