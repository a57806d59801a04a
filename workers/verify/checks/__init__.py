"""One file per check; `workers.verify.table` lists them all."""
