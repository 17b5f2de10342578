"""Reaching people: one small interface, a file per way out, and the delivery that keeps trying."""
