"""MQTT -> rows: messages are decoded, stored exactly once, and only then receipted."""
