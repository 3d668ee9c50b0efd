"""From readings to alerts: rules, judgement in event time, and the life of an alert."""
