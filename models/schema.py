"""Every table in one place, so that migrations see them all."""

from __future__ import annotations

from models import (
    accounts,
    assessments,
    captures,
    classifiers,
    drift,
    flags,
    log,
    mandates,
    officers,
    people,
    posts,
    reports,
    reviews,
    samples,
    targets,
    tombstones,
)
from models.base import Base

TABLE_MODULES = (
    officers,
    mandates,
    people,
    accounts,
    targets,
    posts,
    assessments,
    classifiers,
    flags,
    captures,
    reviews,
    reports,
    samples,
    drift,
    tombstones,
    log,
)
METADATA = Base.metadata
