"""The ground floor: tables, words, legal state changes, the audit record, the evidence store."""
