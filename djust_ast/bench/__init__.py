"""Measurements against hand-written code, on the demo's models and rows.

Nothing is timed before it has given the same result as the hand-written code, values and types. Instances are
fresh for every sample, contestants take turns in random order, and a canary (the baseline against itself) tells
whether the machine was quiet enough.
"""
