"""A report as its readers need it: HTML and PDF for people, JUnit XML for their tools, JSON for whoever asks on, all under one signature.

`writing.write` is the one way in, `verify.examine` the one way back.
"""
