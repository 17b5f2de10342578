"""The web process: pages, API, live stream, log-in. It follows the journal and never writes it."""

VERSION = "0.1.0"
"""Of the contract, as both documents of it say."""
