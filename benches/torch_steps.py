"""PyTorch's AdamW steps as TorchScript, for benches/optimizers.rs: its bindings lack the fused and foreach operations.

    python3 benches/torch_steps.py OUT.pt

The three ways are those of torch/optim/adamw.py of PyTorch 2.11.0 (maximize, amsgrad and capturable off), over lists of
tensors, with the scalars of a step given.
"""

import sys
from typing import List

import torch
from torch import Tensor


class Steps(torch.nn.Module):
    @torch.jit.export
    def fused(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor],
              lr: float, beta1: float, beta2: float, eps: float, decay: float) -> int:
        none: List[Tensor] = []
        # the operation does not count the step itself
        torch._fused_adamw_(p, g, m, v, none, t, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps,
                            amsgrad=False, maximize=False)
        return 0

    @torch.jit.export
    def foreach(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor],
                lr: float, beta1: float, beta2: float, eps: float, decay: float) -> int:
        step = float(t[0].item())
        torch._foreach_mul_(p, 1 - lr * decay)
        torch._foreach_lerp_(m, g, 1 - beta1)
        torch._foreach_mul_(v, beta2)
        torch._foreach_addcmul_(v, g, g, 1 - beta2)
        root = torch._foreach_sqrt(v)
        torch._foreach_div_(root, (1 - beta2**step) ** 0.5)
        torch._foreach_add_(root, eps)
        torch._foreach_addcdiv_(p, m, root, -lr / (1 - beta1**step))
        return 0

    @torch.jit.export
    def single(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor],
               lr: float, beta1: float, beta2: float, eps: float, decay: float) -> int:
        for i in range(len(p)):
            step = float(t[i].item())
            p[i].mul_(1 - lr * decay)
            m[i].lerp_(g[i], 1 - beta1)
            v[i].mul_(beta2).addcmul_(g[i], g[i], value=1 - beta2)
            root = (v[i].sqrt() / (1 - beta2**step) ** 0.5).add_(eps)
            p[i].addcdiv_(m[i], root, value=-lr / (1 - beta1**step))
        return 0

    def forward(self, x: Tensor) -> Tensor:
        return x


torch.jit.script(Steps()).save(sys.argv[1])
