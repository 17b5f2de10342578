"""The tools for rules: what is wrong with a set of them, whether they do what their tests say, what a draft would have done."""
