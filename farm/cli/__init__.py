"""The verbs, one file each. The only package that prints or exits."""
