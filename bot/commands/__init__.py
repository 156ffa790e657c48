"""The verbs of `panah`, one module a family. Each verb is a function of parsed arguments that gives an exit code."""
