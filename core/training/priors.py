"""Undo what balancing does to the stated probabilities.

Class weights and resampling help a head to learn a rare class, and make it state that class far too often:
trained as if one image in two were ill, it says 60 % where 15 % would be true. The class shares it was trained
with are known, so its scores are put back to the shares of the whole training part. Rank orders of a binary
task, and so its AUC, do not change.
Source: King & Zeng 2001, Political Analysis 9:137; Saerens et al. 2002, doi:10.1162/089976602753284446.
"""

import numpy as np


def prior_factors(
    y_part: np.ndarray, y_used: np.ndarray, class_count: int, *, weighted: bool, equal: bool = False
) -> np.ndarray:
    """Stated over trained-with class shares (C,); 1 for a class that training never saw.

    Args:
        y_part: class indices of the whole training part (n,).
        y_used: class indices of the rows that were trained on (m,), after resampling.
        weighted: the head weighed classes inversely to their frequency, so that all counted alike.
        equal: state probabilities as if all classes seen were equally frequent, instead of at their true shares.
    Source: for `equal`, Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv:2007.07314.
    """
    true = np.bincount(y_part, minlength=class_count) / len(y_part)
    used = np.bincount(y_used, minlength=class_count) / len(y_used)
    if weighted:
        used = (used > 0) / np.count_nonzero(used)
    if equal:
        true = (used > 0) / np.count_nonzero(used)
    return np.where(used > 0, true / np.where(used > 0, used, 1.0), 1.0)


def with_priors(y_prob: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Scores (n, C) times the factors (C,), each row brought back to sum to 1."""
    shifted = y_prob * factors
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
