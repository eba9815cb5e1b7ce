//! Statements that no mathematics decides: they are listed, with the reason, and not counted.

use crate::claim::Source;
use serde::Serialize;

/// A statement outside of what can be decided.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outside {
    /// The statement.
    pub statement: &'static str,
    /// Who said so.
    pub source: Source,
    /// Why no judge decides it.
    pub reason: &'static str,
}

const fn said(section: &'static str, quote: &'static str, statement: &'static str, reason: &'static str) -> Outside {
    Outside { statement, source: Source::guide(section, quote), reason }
}

/// The guide's statements about history, habit and experience.
pub const OUTSIDE: &[Outside] = &[
    said(
        "1.1",
        "ignore_index=-100  # padding token",
        "-100 marks padding tokens",
        "a habit of data pipelines: −100 is a label value, and a padding id left in the targets is counted",
    ),
    said("1.2", "通常 τ ∈ [0.05, 0.1]", "the temperature is usually 0.05 to 0.1", "a habit"),
    said(
        "4, Q3",
        "CLIP 中初始 τ=0.07",
        "CLIP starts from τ = 0.07 and learns it",
        "a fact about one program: openai/CLIP model.py starts from logit_scale = ln(1/0.07); its training also caps the scale at 100",
    ),
    said(
        "2.1",
        "β2 = 0.95（注意不是默认的 0.999）",
        "the default of β2 is 0.999",
        "a fact about programs: it is in torch.optim.AdamW and optax.adamw",
    ),
    said(
        "2.1",
        "peak lr 3e-4 ~ 1e-4, ε = 1e-8, weight_decay = 0.1",
        "typical hyperparameters of language models",
        "a habit",
    ),
    said(
        "4, Q2",
        "Loshchilov & Hutter (2019) 证明这在 LLM 训练中效果显著更好",
        "Loshchilov & Hutter proved AdamW better for language models",
        "a statement about a document: the paper is empirical, about image classification, and proves no superiority",
    ),
    said("2.2", "Google Brain 通过程序搜索自动发现 (2023)", "Lion was found by program search", "history"),
    said(
        "2.2",
        "学习率通常 1/3 ~ 1/10 of Adam",
        "Lion's learning rate is a third to a tenth of AdamW's",
        "a recommendation from experiments",
    ),
    said(
        "2.2",
        "Weight decay 通常需要更大（1.0~10.0）",
        "Lion's weight decay is 1.0 to 10.0",
        "a recommendation; its authors say 3 to 10 times AdamW's, and use 0.01 in one example",
    ),
    said("2.2", "适合大 batch + 大模型", "Lion suits large batches and models", "an experimental finding"),
    said(
        "2.3",
        "比 AdamW 快 2×",
        "Sophia reaches the same loss in half the steps of AdamW",
        "an experimental finding of its authors, on GPT-2",
    ),
    said("3.1", "LLM pre-training 最常用的调度", "cosine is the most common schedule of pre-training", "a habit"),
    said(
        "3.2",
        "MiniCPM / DeepSeek 采用",
        "MiniCPM and DeepSeek use WSD",
        "a statement about documents: MiniCPM decays exponentially; DeepSeek's models use step or cosine decay",
    ),
    said("3.2", "~2000 steps", "warm-up takes about 2000 steps", "a habit"),
    said(
        "3.2",
        "stable 阶段的任何 checkpoint 都是接近最优的",
        "every checkpoint of the stable phase is near the optimum",
        "an experimental finding; what follows from the formula is that runs of different length share their stable phase",
    ),
    said("4, Q5", "更充分利用每个 step", "cosine makes better use of every step", "an experimental question"),
    said("3.3", "通用，GPT/LLaMA; 小模型/SFT", "which schedule suits which model", "a habit"),
    said(
        "2.1",
        "class AdamW",
        "the listing of AdamW runs",
        "a statement about a program: its state is not kept per parameter and t is never advanced; mended so, it computes the formula",
    ),
    said(
        "brief",
        "学习率调度的数学动机; 涵盖 2026 最新进展",
        "the guide covers the motivation of warm-up and the state of 2026",
        "a statement about the document: it has neither",
    ),
];
