"""What stages, their guards and the commands share: errors, files, YAML, declared parameters.

Not here: anything that starts a process or imports DVC; results pass through this room.
"""
