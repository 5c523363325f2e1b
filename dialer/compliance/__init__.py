"""The law, as rules that are checked when a call is placed.

`profiles` are the jurisdictions as data, `rules` the kinds of rule that they are made of,
`settings` what a campaign keeps of them, `scope` which are in force for a number, `facts` what
must be known of a contact, `judge` the decision, and `binding` what the law does to a campaign's
settings. `docs/explanation/compliance.md` says how the parts work together.
"""
