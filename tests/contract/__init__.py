"""Golden messages: what agents in the field have ever sent, and what it means."""
