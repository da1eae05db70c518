"""The words of the project: frozen dataclasses that every folder shares, from one place.

`core/specs.py` holds what is asked for, `core/records.py` what came out, `core/cards.py` what stands beside a shipped
network, `core/tables.py` the tables that check themselves. Import from here.
"""

from core.cards import (
    ClassSum,
    LocalisationRecord,
    ModelCard,
    OodRecord,
    Referral,
    ReferralRecord,
    Sibling,
    SiblingSet,
    SumAnswer,
    TabularInput,
)
from core.records import (
    Calibration,
    ClassCounts,
    Comparison,
    Curve,
    Environment,
    Estimate,
    Evaluation,
    Heatmap,
    OverlapAudit,
    RunRecord,
    RunStatus,
    Threshold,
)
from core.specs import (
    ArchitectureSpec,
    AugmentationPreset,
    AugmentationSpec,
    DatasetSpec,
    HeadSpec,
    LabelScheme,
    MetricSpec,
    PreprocessSpec,
    RunSpec,
    SplitKind,
    Task,
)
from core.tables import DatasetTable, LabelledSet, Predictions

__all__ = [
    "ArchitectureSpec", "AugmentationPreset", "AugmentationSpec", "Calibration", "ClassCounts", "ClassSum",
    "Comparison", "Curve", "DatasetSpec", "DatasetTable", "Environment", "Estimate", "Evaluation", "HeadSpec",
    "Heatmap", "LabelScheme", "LabelledSet", "LocalisationRecord", "MetricSpec", "ModelCard", "OodRecord",
    "OverlapAudit", "Predictions", "PreprocessSpec", "Referral", "ReferralRecord", "RunRecord",
    "RunSpec", "RunStatus", "Sibling", "SiblingSet", "SplitKind", "SumAnswer", "TabularInput", "Task", "Threshold",
]  # fmt: skip
