"""The whole product on one machine with nothing installed but Python: for trying, not for running.

The only place where WellFlow speaks plain MQTT, SMTP and HTTP, and only on loopback.
"""
