"""How well silence, routine, fire and falls are judged: recordings of real homes and simulated ones, through the shipped rules.

`python -m benchmarks.detection --recordings DIR`; see `docs/detection.md`.
"""
