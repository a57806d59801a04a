"""Facts as TOML, each row with its reason. Read through `farm.plan.facts` only."""
