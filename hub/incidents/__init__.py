"""Incidents from first suspicion to closing, and what agencies are owed about them."""
