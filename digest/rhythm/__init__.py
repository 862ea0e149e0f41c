"""When things are to happen: pure rules over what is stored, and the sources they are applied to.

asking    when a source is to be asked next
waiting   whose digest waits for a batch that is about to be announced
sources   the configured sources, each with its rhythm and its next time
"""
