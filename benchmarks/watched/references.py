"""What a network is held against before it counts as healthy: plain methods on the same rows, judged alike.

A skill is 0 for the best constant answer and 1 for a perfect one: of classes the balanced accuracy above chance over
what is above chance, of numbers R2, of tokens the share of the bits of their frequencies that is saved, of inputs
answered with themselves the share of the variance, of points the share of real ones that have a made one near.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from .problems import Problem


def skill(problem: Problem, answers: Tensor) -> float:
    """Of answers to the rows held out; NaN where they are not numbers."""
    answers = answers.detach().float()
    if not bool(torch.isfinite(answers).all()):
        return float("nan")
    truth = problem.w
    if problem.kind == "classes":
        chosen = answers.argmax(1) if problem.width > 1 and answers.shape[1] > 1 else (answers[:, 0] > 0).long()
        right = float(balanced_accuracy_score(truth.numpy(), chosen.numpy()))
        return (right - 1 / problem.width) / (1 - 1 / problem.width)
    if problem.kind == "next":
        loss = float(torch.nn.functional.cross_entropy(answers.flatten(0, 1), truth.flatten()))
        return 1 - loss / _entropy(problem)
    if problem.kind == "points":
        return coverage(truth, answers)
    return 1 - float((answers - truth).square().sum() / (truth - problem.y.mean(0)).square().sum())


def coverage(real: Tensor, made: Tensor) -> float:
    """The share of real points that have a made one as near as their 50th real neighbor (Naeem et al. 2020)."""
    radius = torch.cdist(real, real).kthvalue(51, 1).values
    return float((torch.cdist(real, made).min(1).values <= radius).float().mean())


def reference(problem: Problem, latent: int = 0) -> float:
    """The skill of the better of two plain methods; for inputs answered with themselves, of `latent` components."""
    if problem.kind == "points":
        return coverage(problem.w, problem.x[: len(problem.w)])
    if problem.kind == "next":
        return _bigrams(problem)
    if problem.kind == "same":
        fitted = PCA(min(latent, problem.width)).fit(problem.y.numpy())
        held = fitted.inverse_transform(fitted.transform(problem.w.numpy()))
        return skill(problem, torch.tensor(held))
    x, v = (_columns(problem, one) for one in (problem.x, problem.v))
    if not problem.tokens:
        scaler = StandardScaler().fit(x)
        x, v = scaler.transform(x), scaler.transform(v)
    y = problem.y.numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a reference that has not converged is a lower one
        if problem.kind == "classes":
            methods = (LogisticRegression(max_iter=200), RandomForestClassifier(100, random_state=0))
            answers = [torch.tensor(_probabilities(one.fit(x, y), v, problem.width)) for one in methods]
        else:
            numbers = (RidgeCV(np.logspace(-2, 4, 7)), RandomForestRegressor(60, random_state=0))
            answers = [
                torch.tensor(one.fit(x, y if y.shape[1] > 1 else y[:, 0]).predict(v)).reshape(len(v), -1)
                for one in numbers
            ]
    return max(skill(problem, one) for one in answers)


def _probabilities(fitted: LogisticRegression | RandomForestClassifier, v: np.ndarray, width: int) -> np.ndarray:
    answers = np.zeros((len(v), width))
    answers[:, fitted.classes_] = fitted.predict_proba(v)
    return answers


def _columns(problem: Problem, rows: Tensor) -> np.ndarray:
    """Flat rows; of tokens, how often each occurs."""
    if not problem.tokens:
        return rows.flatten(1).numpy()
    counts = torch.zeros(len(rows), problem.tokens).scatter_add_(1, rows, torch.ones(rows.shape))
    return counts[:, 1:].clamp_max(1).numpy()


def _entropy(problem: Problem) -> float:
    """Of the tokens to be answered, by their frequencies among those to learn from, in nats."""
    counts = torch.bincount(problem.y.flatten(), minlength=problem.width).double() + 0.1
    return float(-(counts / counts.sum()).log()[problem.w.flatten()].mean())


def _bigrams(problem: Problem) -> float:
    """The skill of the frequencies of each token after each other one."""
    counts = torch.full((problem.tokens, problem.width), 0.1)
    counts.index_put_((problem.x.flatten(), problem.y.flatten()), torch.tensor(1.0), accumulate=True)
    return skill(problem, (counts / counts.sum(1, keepdim=True)).log()[problem.v])
