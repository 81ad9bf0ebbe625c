"""Z-machine stories of versions 3, 4, 5 and 8, such as those of Infocom and of Inform.

`story` opens files, `process` runs the package fernz in a process of its own (`worker`, `screen`), `game` is the interpreter.
Addresses, layouts and section numbers are those of the Z-Machine Standards Document 1.1.

A story may come from anybody. Its file is read with limits, it runs with limits of time and memory, and it cannot write files.
"""
