"""A simulated county: homes over weeks, planted emergencies, faults, a power cut, through the shipped rules. `python -m benchmarks.county`.

What is planted is `emergencies.toml`; the engine hears it as bytes of the wire, and knows nothing of it. See `docs/detection.md`.
"""
