"""Jobs on the machines of an existing engine, Slurm or Ray: submit, watch, bring home; and one job.

Not here: what a setting or a stage is, and how it runs in a folder; no scheduler and no server.
"""
