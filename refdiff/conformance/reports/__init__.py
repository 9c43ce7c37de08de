"""The forms of a report: `terminal` and `page` for people, `junit` for continuous integration.

The JSON form is `refdiff.conformance.Report.record`.
"""
