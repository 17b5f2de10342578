"""The page of an examination that runs: what to do now, for whoever stands at the device, and what has come of it so far.

It needs nothing from elsewhere and nothing but a browser. The address has a secret part, since "done" is a vendor's word.
"""
