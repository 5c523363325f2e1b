"""Facts sent to other programs, by the Standard Webhooks scheme.

`relay` hands what the feed tells to deliveries, `deliverer` sends those that are due; both run in
each worker and share the work through the database (ADR 10). `signing` signs, `sender` posts and
can't be led to addresses that are nobody's business.
"""
