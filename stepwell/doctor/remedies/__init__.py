"""What can be done about a diagnosis, one a file: changed settings, best first, from what was found and read.

`STRUCTURAL` says that a changed training must begin anew; others may go on from where a training was still well.
"""
