"""Files as people have them -> the generic form, for the command `neuralist import`.

`source` reads what the user names: `files` turns a file into a table of text fields, `lyrics` does so with
folders of songs and LyricsGenius' JSON. `roles` says what each column is, `grades` reads numbers, `generic`
makes texts and pairs of the rows and writes them.
"""
