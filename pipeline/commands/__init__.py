"""The commands, a file for each part of the work; `register` adds a file's commands to the program."""
