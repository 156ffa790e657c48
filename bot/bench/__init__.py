"""`panah bench`: the same dialogue on Panah and on peers, in one run, rows counted afterwards."""
