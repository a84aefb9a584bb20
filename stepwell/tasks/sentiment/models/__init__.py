"""The networks of the task: `build(options, schema) -> nn.Module`, a file each."""
