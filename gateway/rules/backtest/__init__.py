"""Recorded months played through two sets of rules: what a draft would have raised besides, not at all, earlier or later.

Only inputs are replayed: what devices said, what changed in the registry, when the service was down, how its wall clock stood. What the
journal says came of them is not looked at, and neither is what people then did: a desk that is the same for both closes every alert an
hour after its last occurrence, once it has cleared (`replay`). Homes of different areas never meet, so areas are played side by side.
"""
