"""Classification: pictures to the classes that they show.

`task` has the fields of a card, and `labels` the names of the classes.
"""
