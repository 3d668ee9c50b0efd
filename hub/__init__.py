"""The office: stores, judges, notifies, and shows."""
