"""The pumper's pages on the site's own network, served by the agent with the standard library.

Off unless ``[form]`` says a port. Who may enter, and what the pages show, comes signed from the hub
(`agent.contract.rulebundle`); what is saved goes into the outbox before it is answered.
"""
