"""How the crawling goes: what an operator looks at once a day, `netra doctor` says and Prometheus exports.

Counting (`counts`, `storage`) is the clock's work and leaves small tables; looking (`look`) reads them and whatever is
small by itself, so that it takes as long with a million runs as with ten; `concerns` says what needs a person.
"""
