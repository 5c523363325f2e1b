"""What happens, as it happens: facts of campaigns, calls, agents and callbacks, in order.

`facts` says what a fact is and which ones a journal's entry tells, `reader` reads them behind a
position, `live` reads them once for everybody in the process who listens. The webhooks' relay reads
with the same reader.
"""
