"""What turns a text into numbers: fitted on the training part, carried by the artifact."""
