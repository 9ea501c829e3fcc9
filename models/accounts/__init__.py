"""Accounts and attributions: the claim that an account is a person's is evidence of its own.

An attribution is claimed with its sources, verified by a second person, suspended at once when somebody denies it
or the page turns out to be another's, and then reinstated or rejected by an officer who did not suspend it.
"""

from __future__ import annotations

from models.accounts.claims import (
    Claim,
    add_source,
    claim_all,
    claim_attribution,
    denied_for_good,
    live_attributions,
    lower_confidence,
    reject_attribution,
    require_attribution,
    save_account,
    save_accounts,
    sources_of,
    verified_attribution,
    verify_attribution,
)
from models.accounts.holders import HolderNews, handle_history, note_holder
from models.accounts.ladder import Confidence, Source, SourceKind, confidence_of
from models.accounts.rows import (
    Account,
    AccountHandle,
    Attribution,
    AttributionSource,
    AttributionState,
    Suspension,
    SuspensionCause,
    SuspensionOutcome,
)
from models.accounts.suspensions import (
    Channel,
    Disavowal,
    disavow_attribution,
    end_attribution,
    open_disavowal,
    open_suspensions,
    reinstate_attribution,
    suspend_attribution,
    suspended_accounts,
)

__all__ = [
    "Account",
    "AccountHandle",
    "Attribution",
    "AttributionSource",
    "AttributionState",
    "Channel",
    "Claim",
    "Confidence",
    "Disavowal",
    "HolderNews",
    "Source",
    "SourceKind",
    "Suspension",
    "SuspensionCause",
    "SuspensionOutcome",
    "add_source",
    "claim_all",
    "claim_attribution",
    "confidence_of",
    "denied_for_good",
    "disavow_attribution",
    "end_attribution",
    "handle_history",
    "live_attributions",
    "lower_confidence",
    "note_holder",
    "open_disavowal",
    "open_suspensions",
    "reinstate_attribution",
    "reject_attribution",
    "require_attribution",
    "save_account",
    "save_accounts",
    "sources_of",
    "suspend_attribution",
    "suspended_accounts",
    "verified_attribution",
    "verify_attribution",
]
