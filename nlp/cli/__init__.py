"""The command line: one thin file a command, over functions that Python users can call too."""
