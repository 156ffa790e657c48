"""The proof that ships with Panah: invariants by SQL, simulation, crash loops, fuzz, drills; run by `panah prove`.

Nothing that serves people imports this package.
"""
