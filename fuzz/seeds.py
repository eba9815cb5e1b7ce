"""Writes the seeds of the corpora from the fixtures: small inputs that every reader takes, and their like with a flaw.

What fuzzing found lies beside them under the name of what it shows, and is not written here.
"""

import io
import json
import pathlib
import re
import struct
import zipfile

FUZZ = pathlib.Path(__file__).parent
FIXTURES = FUZZ.parent / "fixtures"


def write(target, name, data):
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def vectors(formula):
    return json.loads((FIXTURES / "vectors" / f"{formula}.json").read_text())


def small(formula, result="valid"):
    """The shortest case of a formula, with its group."""
    cases = [(g, c) for g in vectors(formula)["groups"] for c in g["cases"] if c["result"] == result]
    return min(cases, key=lambda case: len(json.dumps(case)), default=None)


def whole_input(group, case):
    conventions = {"conventions": group["conventions"]} if group["conventions"] else {}
    return {**group["hyperparameters"], **case["input"], **conventions}


FORMULAS = sorted(path.stem for path in (FIXTURES / "vectors").glob("*.json") if path.stem != "schema")

# ---- eval and the vectors

for formula in FORMULAS:
    for result in ["valid", "invalid"]:
        found = small(formula, result)
        if found:
            write("eval", f"seed-{formula}-{result}", f"{formula}\n{json.dumps(whole_input(*found))}")

for formula in ["hutchinson", "sgd", "noam"]:
    file = vectors(formula)
    found = [small(formula, result) for result in ["valid", "acceptable", "invalid"]]
    file["groups"] = [{**group, "cases": [case]} for group, case in filter(None, found)]
    used = {flag for group in file["groups"] for case in group["cases"] for flag in case["flags"]}
    file["notes"] = {flag: note for flag, note in file["notes"].items() if flag in used}
    write("vectors", f"seed-{formula}", json.dumps(file))
    file["format"] = 2
    write("vectors", f"seed-{formula}-of-another-format", json.dumps(file))

for formula in ["hutchinson", "gauss-newton-bartlett", "noam", "cross-entropy"]:
    _, case = small(formula)
    write("results", f"seed-{formula}", json.dumps({case["id"]: case["output"]}))
    write("results", f"seed-{formula}-refused", json.dumps({case["id"]: {"error": "none"}}))
write("results", "seed-unknown-case", json.dumps({"hutchinson/none/0": {"estimate": [1.0]}}))

# ---- texts of prove

manual = (FUZZ.parent / "docs" / "prove.md").read_text()
for i, text in enumerate(re.findall(r"```prove\n(.*?)```", manual, re.DOTALL)):
    write("prove", f"seed-manual-{i}", text)
for path in sorted((FUZZ.parent / "src" / "report" / "derivations").glob("*.txt")):
    write("prove", f"seed-{path.stem}", path.read_text())
write("prove", "seed-undeclared", "x: real\nx == y + 1\n")
write("prove", "seed-unclosed", "z: vec[n]\nsum(j, z[j] == 1\n")
write("prove", "seed-nested", "x: real\n" + "(" * 40 + "x" + ")" * 40 + " == x\n")

# ---- files of arrays


def of_tensors(tensors, metadata=None):
    header, data = {}, b""
    for name, dtype, shape, items in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(items)]}
        data += items
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def of_members(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, descr, order, shape, items in members:
            header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
            array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + items
            # of no date, so that the file is the same every time
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), array)
    return out.getvalue()


f32 = struct.pack("<4f", 1.0, -0.5, 0.25, float("nan"))
whole = struct.pack("<2q", 1, -7)
tensors = [("logits", "F32", [2, 2], f32), ("targets", "I64", [2], whole), ("mask", "BOOL", [1], b"\x01")]
write("safetensors", "seed-arrays", of_tensors(tensors, {"reduction": "mean"}))
write("safetensors", "seed-half", of_tensors([("x/0", "F16", [2], f32[:4]), ("x/1", "BF16", [1, 2], f32[4:8])]))
write("safetensors", "seed-cut", of_tensors(tensors)[:-3])
members = [
    ("logits", "<f4", False, (2, 2), f32),
    ("targets", "<i8", True, (2,), whole),
    ("reduction", "<U4", False, (), "mean".encode("utf-32-le")),
]
write("npz", "seed-arrays", of_members(members))
write("npz", "seed-steps", of_members([("gradients/0/1", ">f2", True, (2, 2), f32[:8]), ("on", "|b1", False, (), b"\x01")]))
write("npz", "seed-cut", of_members(members)[:-30])
write("npz", "seed-short", of_members([("x", "<f8", False, (3,), f32)]))

# ---- audits

write("checkpoint", "seed-two", of_tensors([("a", "F32", [4], f32), ("b", "BF16", [2, 2], f32[:8])]))
write("checkpoint", "seed-others", of_tensors([("n", "I64", [2], whole), ("x", "F64", [], whole[:8])], {"format": "pt"}))
write("checkpoint", "seed-without-elements", of_tensors([("a", "F16", [0, 3], b"")]))
write("checkpoint", "seed-cut", of_tensors([("a", "F32", [4], f32)])[:-1])
write("checkpoint", "seed-overlap", b"\x6e".ljust(8, b"\0") + json.dumps(
    {name: {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]} for name in "ab"}).encode().ljust(0x6E) + b"\0")
index = {"metadata": {"total_size": 8}, "weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}
write("audit_index", "seed-two", json.dumps(index))
write("audit_index", "seed-missing-shard", json.dumps({"weight_map": {"a": "c.safetensors"}}))
write("audit_index", "seed-outside", json.dumps({"weight_map": {"a": "../a.safetensors"}}))
write("audit_config", "seed-step", (FIXTURES / "audit" / "step.toml").read_text())
write("audit_config", "seed-lion", """optimizer = "lion"
step = 6
before = ""
after = ""
grads = ""
lr = 1e-4
state_before = ""
state_names = { m = "{tensor}.exp_avg" }
conventions = { decay = "after" }
[[groups]]
tensors = ["*.bias", "{head,embedding}.*"]
weight_decay = 0
""")
write("audit_config", "seed-unknown-field", 'optimizer = "sgd"\nbefore = ""\nafter = ""\ngrads = ""\nlr = 1\nstep = 1\nrate = 2\n')
worst = {"output": "m", "index": 3, "got": 1.5, "expected": "NaN", "over_budget": "Infinity"}
tensor = {
    "name": "w", "dtype": "f32", "elements": 4, "verdict": "differs", "worst": worst, "diagnosis": None,
    "differing": {"count": 1, "unexamined": 0}, "not_judged": [{"what": "NaN", "count": 1, "first": 2}],
}
run = {
    "version": "0", "optimizer": "adamw", "configuration": {}, "partition": {"share": 1, "of": 1}, "tensors": 1,
    "elements": 4, "seconds": 0.5,
}
write("audit_report", "seed-whole", json.dumps({"tensors": [tensor], "run": run}))
write("audit_report", "seed-share", json.dumps({"tensors": [], "run": {**run, "partition": {"share": 2, "of": 3}}}))
write("audit_report", "seed-without-run", json.dumps({"tensors": [tensor]}))
