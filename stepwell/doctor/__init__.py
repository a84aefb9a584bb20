"""The doctor: sees what is wrong with a training run, in anyone's PyTorch, and says how it knows.

`watch` reads a training that it does not change; what it read is a `Record` of plain numbers; `diagnosing` lets every
diagnosis look at the record and orders what they say. `signals/`, `preflight/` and `diagnoses/` are rooms: a component
is one file. Nothing here ever starts a training, and nothing that goes wrong here reaches the watched one.
"""
