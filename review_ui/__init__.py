"""Pages for supervisors, analysts, operators and auditors."""
