"""What the errors of `models` say, in the officer's language.

An error's own line is English and for the command line too; the page words the ones that an officer can meet.
"""

from __future__ import annotations

import re

from models.errors import NetraError
from review_ui.i18n import Catalogue

_WORDINGS: tuple[tuple[str, str], ...] = (
    (r"this needs the role (?P<roles>.+)", "needs_role"),
    (r"this form has expired", "form_expired"),
    (r"answer every question", "answer_all"),
    (r"two different people read a sample", "read_before"),
    (r"two others have read this sample", "read_enough"),
    (r"sample \S+: its text was deleted", "text_deleted"),
    (r"a label can be taken back for (?P<seconds>\d+)", "label_late"),
    (r"only the reader can take back|this label was taken back", "label_undo_other"),
    (r"a draw takes 1 to (?P<most>\d+)", "draw_size"),
    (r"mandate .+: no assessed, unflagged post", "nothing_to_draw"),
    (r"the verdict needs a reason|give a reason|.+ needs a reason", "needs_reason"),
    (r"the verdict needs a note", "needs_exculpatory"),
    (r"a confirming verdict names", "needs_act"),
    (r"two different people review", "judged_before"),
    (r"flag \S+ is \w+ and (takes no verdict|cannot become)", "no_verdict_now"),
    (r"a verdict can be taken back for (?P<seconds>\d+)", "undo_late"),
    (r"only the reviewer can take back", "undo_other"),
    (r"a later step rests|this verdict was taken back", "undo_rests"),
    (r"flag \S+ was changed by somebody else", "changed"),
    (r"the password is wrong", "wrong_password"),
    (r"too many failed attempts", "locked"),
    (r"mend before signing: (?P<fields>.+)", "missing_fields"),
    (r"tick at least one confirmed flag", "pick_flags"),
    (r"a report needs at least one flag", "one_mandate"),
    (r"report number (?P<number>.+) is taken", "number_taken"),
    (r"the report needs a number", "number_needed"),
    (r"flag \S+ is in another report", "flag_reported"),
    (r"a signed report does not change", "signed_fixed"),
    (r"a mandate is approved by another", "second_mandate"),
    (r"an attribution is verified by another", "second_attribution"),
    (r"(?P<count>\d+) others on the rosters carry", "namesakes"),
    (r"a suspension is resolved by another", "other_resolves"),
    (r"an attribution is reinstated by another", "other_reinstates"),
    (r"a flag is not confirmed while .+ in force: (?P<gap>.+)", "no_holder"),
    (r"a request that an account is not theirs", "request_incomplete"),
    (r"a request cannot have come in the future", "request_ahead"),
    (r"a confidence rises with its sources", "only_lower"),
    (r"choose a file", "choose_file"),
    (r"this file is no longer kept", "upload_gone"),
    (r"an old or encrypted Excel file", "old_excel"),
    (r"not UTF-8", "not_utf8"),
    (
        r"(?P<problem>.*(?:not valid CSV|not a workbook|a zip file|the zip file|visible sheet|rows in one file).*)",
        "no_table",
    ),
    (r"\d+ (?:warnings|errors) in the roster", "warnings_changed"),
    (r"\w+: choose a day", "choose_day"),
    (r"choose one of the listed lengths", "rest_length"),
    (r"choose one of the listed|choose roles from|.+ is not one of its choices", "choose_listed"),
    (r"say to whom the report", "needs_recipient"),
    (r"a username has letters", "username_form"),
    (r"username '(?P<name>[^']+)' is taken", "username_taken"),
    (r"the officer needs a name", "needs_name"),
    (r"officer '[^']*' needs at least one role", "needs_roles"),
    (r"a password has (?P<least>\d+) to (?P<most>\d+)", "password_length"),
    (r"nobody deactivates themselves", "not_yourself"),
    (r"a rest ends within (?P<days>\d+)", "rest_ends"),
    (r"another preview is under way", "preview_busy"),
    (r"no mandate is in force today", "no_mandate"),
)


def worded(error: NetraError, t: Catalogue) -> str:
    """One line for the page; the error's own words where the catalogue has none."""
    line = str(error)
    for pattern, key in _WORDINGS:
        if (found := re.match(pattern, line)) is not None:
            return t(f"refusal.{key}", **_translated(found.groupdict(), t))
    return line


def _translated(values: dict[str, str], t: Catalogue) -> dict[str, str]:
    """Role words become the role's name; everything else is shown as it is."""
    if "roles" in values:
        roles = (t(f"role.{word}") if t.has(f"role.{word}") else word for word in values["roles"].split())
        values["roles"] = " ".join(roles).replace(" or ", " / ")
    return values
