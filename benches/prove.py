"""Times `gradproof prove` and SymPy 1.14 on the same derivations, one after the other on one core.

    pip install sympy==1.14.0
    cargo build --release
    python benches/prove.py

SymPy is asked for the first component alone, by `equals` and by `simplify`; gradproof decides all of them.
"""

import json
import multiprocessing
import os
import subprocess
import time

import sympy
from sympy import Symbol, exp, log, sqrt, symbols

GRADPROOF = os.path.join(os.path.dirname(__file__), "..", "target", "release", "gradproof")
LIMIT = 40  # seconds, after which SymPy is stopped

CROSS_ENTROPY = """
n = 64
z: vec[n]; y: index[n]
loss = logsumexp(z) - z[y]
d loss / d z[i] == softmax(z)[i] - [i == y]
"""

LAYER_NORM = """
n = 16
x, g: vec[n]; eps > 0
mu = mean(x)
s = sqrt(sum(i, (x[i] - mu)^2) / n + eps)
xhat[i] = (x[i] - mu) / s
loss = sum(i, g[i] * xhat[i])
d loss / d x[i] == (g[i] - mean(g) - xhat[i] * sum(j, g[j] * xhat[j]) / n) / s
"""

INFO_NCE = """
d = 16; m = 33
q: vec[d]; K: mat[m, d]; tau > 0
s[j] = dot(q, K[j]) / (norm(q) * norm(K[j]))
loss = logsumexp(s / tau) - s[0] / tau
d loss / d q[a] == sum(j, (softmax(s / tau)[j] - [j == 0]) * (K[j, a] / norm(K[j]) - s[j] * q[a] / norm(q))) / (tau * norm(q))
"""

DPO = """
T = 4; V = 8
Z, X: mat[T, V]; yw, yl: index[V][T]; rw, rl: real; beta > 0
lw = sum(t, Z[t, yw[t]] - logsumexp(Z[t]))
ll = sum(t, X[t, yl[t]] - logsumexp(X[t]))
u = beta * ((lw - rw) - (ll - rl))
loss = -log(sigmoid(u))
d loss / d Z[t, v] == -beta * sigmoid(-u) * ([v == yw[t]] - softmax(Z[t])[v])
"""


def cross_entropy():
    z = symbols("z0:64", real=True)
    total = sum(map(exp, z))
    return (log(total) - z[3]).diff(z[0]), exp(z[0]) / total


def layer_norm():
    n = 16
    x, g = symbols(f"x0:{n}", real=True), symbols(f"g0:{n}", real=True)
    eps = Symbol("eps", positive=True)
    mu = sum(x) / n
    s = sqrt(sum((a - mu) ** 2 for a in x) / n + eps)
    hat = [(a - mu) / s for a in x]
    loss = sum(a * b for a, b in zip(g, hat))
    return loss.diff(x[0]), (g[0] - sum(g) / n - hat[0] * sum(a * b for a, b in zip(g, hat)) / n) / s


def info_nce():
    d, m = 16, 33
    q = symbols(f"q0:{d}", real=True)
    keys = [symbols(f"k{j}_0:{d}", real=True) for j in range(m)]
    tau = Symbol("tau", positive=True)
    norm = lambda v: sqrt(sum(a**2 for a in v))
    s = [sum(a * b for a, b in zip(q, k)) / (norm(q) * norm(k)) for k in keys]
    weights = [exp(a / tau) for a in s]
    total = sum(weights)
    claimed = sum(
        (w / total - int(j == 0)) * (k[0] / norm(k) - a * q[0] / norm(q)) for j, (w, k, a) in enumerate(zip(weights, keys, s))
    ) / (tau * norm(q))
    return (log(total) - s[0] / tau).diff(q[0]), claimed


def dpo():
    length, classes = 4, 8
    chosen = [symbols(f"z{t}_0:{classes}", real=True) for t in range(length)]
    rejected = [symbols(f"x{t}_0:{classes}", real=True) for t in range(length)]
    rw, rl = symbols("rw rl", real=True)
    beta = Symbol("beta", positive=True)
    lse = lambda v: log(sum(map(exp, v)))
    lw = sum(z[t] - lse(z) for t, z in enumerate(chosen))
    ll = sum(x[t + 1] - lse(x) for t, x in enumerate(rejected))
    u = beta * ((lw - rw) - (ll - rl))
    row = chosen[0]
    return (-log(1 / (1 + exp(-u)))).diff(row[0]), -beta / (1 + exp(u)) * (1 - exp(row[0]) / sum(map(exp, row)))


WORK = [
    ("cross-entropy, n = 64", CROSS_ENTROPY, cross_entropy),
    ("LayerNorm, n = 16", LAYER_NORM, layer_norm),
    ("InfoNCE through cosines, d = 16, K = 32", INFO_NCE, info_nce),
    ("DPO from logits, T = 4, V = 8", DPO, dpo),
]


def by_sympy(form, method, answer):
    left, right = form()
    answer.put(str(left.equals(right) if method == "equals" else sympy.simplify(left - right) == 0))


def timed(form, method):
    answer = multiprocessing.Queue()
    process = multiprocessing.Process(target=by_sympy, args=(form, method, answer))
    start = time.perf_counter()
    process.start()
    process.join(LIMIT)
    seconds = time.perf_counter() - start
    if process.is_alive():
        process.terminate()
        process.join()
        return f"stopped at {LIMIT} s"
    return f"{answer.get() if process.exitcode == 0 else 'failed'}, {seconds:.2f} s"


def by_gradproof(text):
    one_core = {**os.environ, "RAYON_NUM_THREADS": "1"}
    start = time.perf_counter()
    done = subprocess.run(
        [GRADPROOF, "prove", "--format", "json", "-"], input=text, capture_output=True, text=True, env=one_core
    )
    seconds = time.perf_counter() - start
    if done.returncode == 2:
        raise SystemExit(done.stderr)
    verdicts = {claim["verdict"] for claim in json.loads(done.stdout)["claims"]}
    return f"{', '.join(sorted(verdicts))}, {seconds:.2f} s"


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"| derivation | gradproof | SymPy {sympy.__version__} equals | simplify |\n|---|---|---|---|")
    for name, text, form in WORK:
        row = [by_gradproof(text), timed(form, "equals"), timed(form, "simplify")]
        print(f"| {name} | {' | '.join(row)} |", flush=True)
