"""A private, real telephone system to develop and test against: Asterisk, and people to call.

Nothing here is what production runs. `install` unpacks Asterisk and SIPp into a cache folder
without root, `asterisk` runs one of them on the loopback interface, `people` are who is called.
"""
