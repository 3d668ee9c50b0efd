"""Spreadsheets as operators have them, and the states' production files, into the register."""
