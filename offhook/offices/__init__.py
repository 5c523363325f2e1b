"""What can be done with offhook, whoever asks: the command line, the API and the console.

An office holds stores and desks and answers with models; how a person or a program said it, and how
the answer looks, is the asker's business.
"""
