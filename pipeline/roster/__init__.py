"""Rosters from spreadsheets: read, checked whole, compared with what is known, stored whole or not at all."""
