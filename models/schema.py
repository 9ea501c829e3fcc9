"""Every table in one place, so that migrations see them all."""

from __future__ import annotations

from models import (
    accounts,
    assessments,
    bodies,
    captures,
    classifiers,
    clusters,
    drift,
    flags,
    hosts,
    log,
    mandates,
    observations,
    officers,
    people,
    posts,
    reports,
    reviews,
    samples,
    targets,
    tombstones,
    uploads,
)
from models.base import Base
from models.health import counts, storage

TABLE_MODULES = (
    officers,
    mandates,
    people,
    accounts,
    hosts,
    targets,
    bodies,
    posts,
    observations,
    assessments,
    classifiers,
    flags,
    captures,
    reviews,
    reports,
    samples,
    drift,
    clusters,
    counts,
    storage,
    tombstones,
    uploads,
    log,
)
METADATA = Base.metadata
