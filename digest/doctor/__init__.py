"""The doctor: looks at everything an installation rests on and says what to mend, in plain words.

    configuration | looks, each by itself -> findings        `digest check`: what can be seen here
                                                             `digest doctor`: the network as well

A look changes nothing, waits a few seconds at most, and its failing is a finding like any other. It
judges the domain as receivers do, and repairs nothing by itself.
"""
