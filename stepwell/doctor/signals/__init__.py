"""What is read from a network while the probe batch passes; one signal a file: `of_layer(layer) -> numbers`."""
