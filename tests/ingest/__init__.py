"""A box that speaks the contract, and an ingest process to speak to, with real servers."""
