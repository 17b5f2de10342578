"""The web process: pages, API, live stream, log-in. It follows the journal and never writes it."""
