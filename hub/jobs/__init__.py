"""The work process: what is due now, and what is due every so often."""
