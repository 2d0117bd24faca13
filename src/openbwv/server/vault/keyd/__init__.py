"""The key service: the only process that opens the keyring. It imports nothing of Django and nothing of the pages."""
