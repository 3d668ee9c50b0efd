"""Agent, broker and hub simulated under random faults; every reading is counted at the end."""
